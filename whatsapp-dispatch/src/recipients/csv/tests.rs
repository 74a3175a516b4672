use std::io::{Cursor, Write};

use proptest::prelude::*;
use rules_core::judge::fault::chain;
use tempfile::NamedTempFile;

use super::*;

fn file(content: impl AsRef<[u8]>) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(content.as_ref()).unwrap();
    file
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn open(content: impl AsRef<[u8]>) -> Csv {
    Csv::open(file(content)).unwrap()
}

fn rows(content: impl AsRef<[u8]>) -> Vec<Row> {
    wait(open(content).next(usize::MAX)).unwrap()
}

/// Each row as its line and its cells joined by `|`, or `!`.
fn shown(content: impl AsRef<[u8]>) -> Vec<String> {
    let show = |row: Row| match row.cells {
        Ok(cells) => format!("{}:{}", row.line, cells.iter().collect::<Vec<_>>().join("|")),
        Err(malformed) => {
            assert_eq!((malformed.line, malformed.code), (row.line, Malformed::CODE));
            format!("{}!", row.line)
        }
    };
    rows(content).into_iter().map(show).collect()
}

fn refusal(content: impl AsRef<[u8]>) -> String {
    let file = file(content);
    let error = Csv::open(file.path()).unwrap_err();
    chain(&error).to_string().replace(&file.path().display().to_string(), "F")
}

#[test]
fn the_usual_dialects_are_read() {
    let expected = ["2:1|a,b", "3:2|c"];
    assert_eq!(shown("phone,name\n1,\"a,b\"\n2,c\n"), expected);
    assert_eq!(shown("\u{feff}phone,name\r\n1,\"a,b\"\r\n2,c"), expected);
    assert_eq!(shown("phone;name\n1;a,b\n2;c"), expected);
    assert_eq!(shown("phone\tname\n1\ta,b\n2\tc"), expected);
    assert_eq!(shown("sep=;\nphone;name\n1;a,b\n2;c"), ["3:1|a,b", "4:2|c"]);
    assert_eq!(shown("phone,name\n"), [""; 0]);
}

#[test]
fn broken_records_are_counted_and_reading_goes_on() {
    assert_eq!(shown("p,n\n1\n2,b\n3,c,d\n4,e,,\n"), ["2!", "3:2|b", "4!", "5:4|e"]);
    assert_eq!(shown(b"p,n\n1,M\xfcller\n2,b\n"), ["2!", "3:2|b"]);
}

#[test]
fn a_stray_quote_costs_one_line() {
    assert_eq!(shown("p,n\n1,\"a\n2,b\n3,c\n"), ["2!", "3:2|b", "4:3|c"]);
    assert_eq!(shown("p,n\n1,\"a\n2,b\n3,\"c\"\n"), ["2!", "3:2|b", "4:3|c"]);
    let long = format!("p,n\n1,\"a\n{}", "2,b\n".repeat(50_000));
    let rows = rows(&long);
    assert_eq!(rows.len(), 50_001);
    assert_eq!(rows.iter().filter(|row| row.cells.is_err()).count(), 1);
}

#[test]
fn a_quoted_line_end_and_blank_lines_keep_the_line_numbers_true() {
    assert_eq!(shown("\n\np,n\n\n1,\"a\nb\"\n  \r\n2,c\n\n"), ["5:1|a\nb", "8:2|c"]);
}

#[test]
fn a_line_without_end_is_one_broken_record() {
    let content = format!("p,n\n1,{}\n2,b\n", "x".repeat(200_000));
    assert_eq!(shown(content), ["2!", "3:2|b"]);
}

#[test]
fn an_unusable_file_is_refused_with_the_remedy() {
    assert_eq!(
        refusal(b"\xff\xfep\0h\0"),
        "F is not UTF-8, seen in line 1: it is UTF-16, which spreadsheets call \"Unicode text\"; save it as \"CSV UTF-8\" and try again"
    );
    assert!(refusal(b"p\0h\0o\0").contains("zero bytes"));
    assert!(refusal(b"phone,pr\xe9nom\n").contains("Windows-1252"));
    assert!(refusal("phone,phone\n").ends_with("two columns are called \"phone\": rename one of them"));
    assert!(
        refusal("\n\nphone,,x\n")
            .starts_with("the header of F in line 3 is not usable: column 2 has no name")
    );
    assert!(refusal("").contains("there are no column names"));
    assert!(refusal("phone,\"name\n1,2\n").contains("never closed"));
    assert!(refusal("phone,name\r1,a\r2,b\r").contains("old Macintoshes"));
    assert!(refusal("phone,name\r1,a\r".repeat(9_000)).contains("no line ends"));
    let missing = Csv::open("/no/such/file.csv").unwrap_err();
    assert!(chain(&missing).to_string().starts_with("reading recipients from /no/such/file.csv: "));
}

#[test]
fn another_file_is_recognised() {
    let position = open("phone\n1\n").position();
    let error = wait(open("phone\n2\n").resume(&position)).unwrap_err();
    assert_eq!(error.code(), Some(RecipientsError::DIFFERS));
}

#[test]
fn a_file_that_changes_under_the_reader_is_noticed() {
    let file = file("phone\n1\n");
    let mut csv = Csv::open(file.path()).unwrap();
    let start = csv.position();
    file.as_file().set_len(7).unwrap();
    wait(csv.resume(&start)).unwrap();
    assert!(matches!(wait(csv.next(9)), Err(RecipientsError::Changed { .. })));
}

#[test]
fn a_reader_in_memory_is_read_like_a_file() {
    let content = "p,n\n1,\"a\n2,b\n";
    let mut reader = Cursor::new(content);
    reader.set_position(5);
    let mut csv = Csv::from_reader("upload", reader).unwrap();
    assert_eq!(
        (csv.position(), csv.digest()),
        (open(content).position(), SourceDigest::of(content.as_bytes()))
    );
    assert_eq!(wait(csv.next(9)).unwrap(), rows(content));
    let error = Csv::from_reader("upload", Cursor::new("")).unwrap_err();
    assert!(error.to_string().starts_with("the header of upload in line 1"));
}

#[test]
fn nobody_shows_in_debug() {
    let mut csv = Csv::from_reader("upload", Cursor::new("phone\n+4915123456789\n")).unwrap();
    wait(csv.next(1)).unwrap();
    assert_eq!(format!("{csv:?}"), r#"Csv { file: "upload", record: 1, line: 3, .. }"#);
}

#[test]
fn large_files_are_read_in_windows() {
    let content: String = std::iter::once("phone,name\n".to_owned())
        .chain((0..20_000).map(|i| format!("{i},\"name\n{i}\"\n")))
        .collect();
    let rows = rows(content);
    assert_eq!(rows.len(), 20_000);
    for (index, row) in rows.iter().enumerate() {
        assert_eq!((row.record, row.line), (index as u64, 2 + 2 * index as u64));
        assert_eq!(row.cells.as_ref().unwrap().get(0), Some(index.to_string().as_str()));
    }
}

fn messy_file() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(vec![
        "a",
        "1",
        ",",
        ",",
        "\"",
        "\n",
        "\r\n",
        " ",
        "é",
        "\n\n",
        "a,b\n",
        "\"x\ny\",z\n",
    ]);
    prop::collection::vec(piece, 0..60).prop_map(|pieces| format!("p,n\n{}", pieces.concat()).into_bytes())
}

proptest! {
    #[test]
    fn any_bytes_are_rows_in_order(header in prop::bool::ANY, bytes in any::<Vec<u8>>()) {
        let content = if header { [b"p,n\n", &bytes[..]].concat() } else { bytes };
        let length = content.len() as u64;
        if let Ok(mut csv) = Csv::from_reader("upload", Cursor::new(content)) {
            let mut line = csv.position().line;
            for (index, row) in wait(csv.next(usize::MAX)).unwrap().into_iter().enumerate() {
                prop_assert!(row.record == index as u64 && line <= row.line);
                line = row.line + 1;
                if let Ok(cells) = row.cells {
                    prop_assert_eq!(cells.len(), csv.columns().names().len());
                }
            }
            prop_assert_eq!(csv.position().byte, length);
        }
    }

    #[test]
    fn resumed_anywhere_the_rows_are_the_same(content in messy_file(), step in 1_usize..4) {
        let file = file(&content);
        let all = wait(Csv::open(file.path()).unwrap().next(usize::MAX)).unwrap();
        let mut csv = Csv::open(file.path()).unwrap();
        let mut read = 0;
        loop {
            let mut resumed = Csv::open(file.path()).unwrap();
            wait(resumed.resume(&csv.position())).unwrap();
            prop_assert_eq!(&wait(resumed.next(usize::MAX)).unwrap(), &all[read..]);
            let rows = wait(csv.next(step)).unwrap();
            if rows.is_empty() { break }
            read += rows.len();
        }
        prop_assert_eq!(read, all.len());
        for (index, row) in all.iter().enumerate() {
            prop_assert_eq!(row.record, index as u64);
        }
    }

    #[test]
    fn well_formed_tables_are_read_as_the_csv_crate_reads_them(
        table in prop::collection::vec(prop::collection::vec("[a-z\",;\n é]{0,6}", 2), 0..12)
    ) {
        let mut writer = ::csv::Writer::from_writer(Vec::new());
        writer.write_record(["p", "n"]).unwrap();
        for record in &table {
            writer.write_record(std::iter::once("x").chain(record.iter().skip(1).map(String::as_str))).unwrap();
        }
        let content = writer.into_inner().unwrap();
        let mut oracle = ::csv::Reader::from_reader(content.as_slice());
        let expected: Vec<Vec<String>> = oracle
            .records()
            .map(|record| record.unwrap().iter().map(str::to_owned).collect())
            .collect();
        let read: Vec<Vec<String>> = rows(&content)
            .into_iter()
            .map(|row| row.cells.unwrap().iter().map(str::to_owned).collect())
            .collect();
        prop_assert_eq!(read, expected);
    }
}
