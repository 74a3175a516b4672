//! Writes a CSV file of recipients as real ones look: many countries and scripts, numbers in every
//! spelling, and a share of everything that goes wrong. The same seed gives the same bytes.
//!
//! Numbers lie in the ranges that regulators keep for fiction where such ranges exist and are
//! large enough (US 555-01xx, UK 07700 900xxx, France 06 39 98 xx xx); the others are random.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use anyhow::Context;
use clap::Parser;

#[derive(Parser)]
struct Options {
    /// How many records to write, not counting the header.
    #[arg(long, default_value_t = 10_000)]
    records: u64,
    /// The same seed gives the same file.
    #[arg(long, default_value_t = 2026)]
    seed: u64,
    /// Where to write; standard output when not given.
    #[arg(long)]
    output: Option<PathBuf>,
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let out: Box<dyn Write> = match &options.output {
        Some(path) => Box::new(File::create(path).with_context(|| format!("creating {}", path.display()))?),
        None => Box::new(io::stdout().lock()),
    };
    let mut out = BufWriter::new(out);
    write(&mut out, options.records, Random(options.seed)).context("writing the recipients")
}

struct Country {
    code: &'static str,
    calling: &'static str,
    /// How many of 1,000 people live here.
    share: u64,
    /// Shapes of mobile numbers; `#` is a digit.
    mobiles: &'static [&'static str],
    /// The shape of further numbers when all of those have been given out.
    beyond: &'static str,
    names: &'static [&'static str],
    cities: &'static [&'static str],
}

#[rustfmt::skip]
const COUNTRIES: [Country; 15] = [
    Country { code: "IN", calling: "91", share: 330, mobiles: &["98########", "70########", "91########", "63########"],
        beyond: "62########",
        names: &["Aarav", "Priya", "Rohan", "आशा", "विक्रम", "Ananya", "सुनीता", "Mohammed", "Lakshmi 🌸", "அருண்"],
        cities: &["Mumbai", "Delhi", "Bengaluru", "जयपुर", "Chennai", "Kolkata"] },
    Country { code: "DE", calling: "49", share: 90, mobiles: &["1512#######", "1761#######", "1575#######"],
        beyond: "1577#######",
        names: &["Jürgen", "Anna", "Zoë", "Björn", "Käthe", "Mehmet"], cities: &["Köln", "Berlin", "München", "Halle (Saale)"] },
    Country { code: "BR", calling: "55", share: 120, mobiles: &["11 9########", "21 9########", "92 9########", "71 9########"],
        beyond: "41 9########",
        names: &["João", "Conceição", "Luiz", "Thaís", "Antônio", "Beatriz"], cities: &["São Paulo", "Rio de Janeiro", "Manaus", "Salvador"] },
    Country { code: "MX", calling: "52", share: 70, mobiles: &["55########", "33########", "81########"],
        beyond: "66########",
        names: &["José", "Guadalupe", "Íñigo", "Lucía"], cities: &["Ciudad de México", "Guadalajara", "Monterrey"] },
    Country { code: "US", calling: "1", share: 70, mobiles: &["201 55501##", "202 55501##", "206 55501##", "210 55501##", "212 55501##", "214 55501##", "216 55501##", "303 55501##", "305 55501##", "312 55501##", "313 55501##", "401 55501##", "404 55501##", "406 55501##", "412 55501##", "415 55501##", "480 55501##", "503 55501##", "504 55501##", "602 55501##", "612 55501##", "617 55501##", "702 55501##", "713 55501##", "801 55501##", "808 55501##", "907 55501##"],
        beyond: "646 4######",
        names: &["Emma", "Liam", "D'Angelo", "Renée", "Sofia"], cities: &["New York", "Washington, D.C.", "Chicago", "Honolulu"] },
    Country { code: "GB", calling: "44", share: 30, mobiles: &["7700 900###"],
        beyond: "74########",
        names: &["Olivia", "Harry", "Siân", "Niamh"], cities: &["London", "Newcastle upon Tyne", "Cardiff"] },
    Country { code: "AE", calling: "971", share: 40, mobiles: &["50#######", "55#######"],
        beyond: "58#######",
        names: &["محمد", "فاطمة", "Khalid", "Aisha"], cities: &["دبي", "Abu Dhabi", "Sharjah"] },
    Country { code: "NG", calling: "234", share: 60, mobiles: &["803#######", "701#######", "902#######"],
        beyond: "810#######",
        names: &["Chukwuemeka", "Ngozi", "Adébáyò", "Folákẹ́"], cities: &["Lagos", "Abuja", "Kano"] },
    Country { code: "ID", calling: "62", share: 60, mobiles: &["812########", "857########", "8581#######"],
        beyond: "878########",
        names: &["Budi", "Siti Nurhaliza", "Dewi", "Agus"], cities: &["Jakarta", "Surabaya", "Jayapura"] },
    Country { code: "JP", calling: "81", share: 30, mobiles: &["90########", "80########"],
        beyond: "70########",
        names: &["さくら", "健太", "陽子", "Kenji"], cities: &["東京", "大阪", "札幌"] },
    Country { code: "FR", calling: "33", share: 30, mobiles: &["63998####"],
        beyond: "6########",
        names: &["Chloé", "Gaëtan", "Noël", "Françoise"], cities: &["Paris", "L'Haÿ-les-Roses", "Nîmes"] },
    Country { code: "ES", calling: "34", share: 25, mobiles: &["6########", "71#######"],
        beyond: "72#######",
        names: &["Begoña", "Íker", "María José", "Núria"], cities: &["Madrid", "A Coruña", "Las Palmas"] },
    Country { code: "EG", calling: "20", share: 25, mobiles: &["10########", "12########"],
        beyond: "11########",
        names: &["أحمد", "منى", "Youssef", "ياسمين"], cities: &["القاهرة", "Alexandria", "Giza"] },
    Country { code: "RU", calling: "7", share: 10, mobiles: &["912#######", "926#######"],
        beyond: "903#######",
        names: &["Алексей", "Наталья", "Юлия"], cities: &["Москва", "Екатеринбург"] },
    Country { code: "KZ", calling: "7", share: 10, mobiles: &["701#######", "777#######"],
        beyond: "705#######",
        names: &["Айгерім", "Нұрлан"], cities: &["Алматы", "Астана"] },
];

#[derive(Clone)]
struct Person {
    country: &'static Country,
    national: String,
    first_name: String,
    city: &'static str,
}

/// Gives out each number once, in an order that looks like none.
struct Numbers {
    first: u64,
    given: [u64; COUNTRIES.len()],
}

impl Numbers {
    fn next(&mut self, country: usize) -> String {
        let Country { mobiles, beyond, .. } = &COUNTRIES[country];
        let serial = self.given[country];
        self.given[country] += 1;
        let shapes = mobiles.len() as u64;
        let (shape, turn) = (mobiles[usize::try_from(serial % shapes).unwrap_or_default()], serial / shapes);
        if turn < capacity(shape) {
            return self.fill(shape, turn, serial % shapes + 10 * country as u64 + 1);
        }
        let further = serial - mobiles.iter().map(|shape| capacity(shape)).min().unwrap_or_default() * shapes;
        self.fill(beyond, further, 1)
    }

    fn fill(&self, shape: &str, turn: u64, salt: u64) -> String {
        // The factor shares no divisor with ten, so all endings come before one comes again.
        let mut digits =
            turn.wrapping_mul(618_033_989).wrapping_add(self.first.wrapping_mul(salt)) % capacity(shape);
        let filled = shape.chars().rev().filter(|c| *c != ' ').map(|c| {
            if c != '#' {
                return c;
            }
            let digit = char::from(b'0' + (digits % 10) as u8);
            digits /= 10;
            digit
        });
        filled.collect::<Vec<_>>().into_iter().rev().collect()
    }
}

/// How many numbers a shape has.
fn capacity(shape: &str) -> u64 {
    10_u64.pow(u32::try_from(shape.matches('#').count()).unwrap_or_default())
}

fn write(out: &mut impl Write, records: u64, mut random: Random) -> io::Result<()> {
    writeln!(out, "phone,first_name,city,country,discount,consent,opted_out")?;
    let mut numbers = Numbers { first: random.below(1_000_000_007), given: [0; COUNTRIES.len()] };
    let mut recent: Vec<Person> = Vec::new();
    for _ in 0..records {
        if random.one_in(500) {
            let person = Person::new(&mut random, &mut numbers);
            writeln!(out, "+{}{},{}", person.country.calling, person.national, person.country.names[0])?;
            continue;
        }
        // About three in two hundred people are in the file twice, in another spelling.
        let person = if recent.len() == 200 && random.below(1_000) < 15 {
            random.pick(&recent).clone()
        } else {
            Person::new(&mut random, &mut numbers)
        };
        let (phone, country) = match random.below(1_000) {
            0..5 => (String::new(), person.country.code),
            5..9 => (person.international("").chars().take(7).collect(), person.country.code),
            9..12 => (format!("{} or {}", person.international(" "), "ask reception"), person.country.code),
            12..15 => ((*random.pick(&["n/a", "-", "9.19877E+11", "+999 123 456 789"])).to_owned(), ""),
            _ => person.spelled(&mut random),
        };
        let discount = random.pick(&["5", "10", "10", "15", "20", "25"]);
        let consent = match random.below(100) {
            0 => random.pick(&["no", "false", "0"]),
            1..10 => random.pick(&["TRUE", "1", "Yes", "y"]),
            _ => &"yes",
        };
        let opted_out = match random.below(100) {
            0..2 => random.pick(&["yes", "true", "1"]),
            2..30 => &"",
            _ => &"no",
        };
        let fields = [&phone, &person.first_name, person.city, country, discount, consent, opted_out];
        writeln!(out, "{}", fields.map(quoted).join(","))?;
        match recent.get_mut(usize::try_from(random.below(200)).unwrap_or_default()) {
            Some(place) => *place = person,
            None => recent.push(person),
        }
    }
    out.flush()
}

impl Person {
    fn new(random: &mut Random, numbers: &mut Numbers) -> Self {
        let mut ticket = random.below(COUNTRIES.iter().map(|country| country.share).sum());
        let mut index = 0;
        while ticket >= COUNTRIES[index].share {
            ticket -= COUNTRIES[index].share;
            index += 1;
        }
        let country = &COUNTRIES[index];
        let national = numbers.next(index);
        let first_name = match random.below(400) {
            0 => format!("{}\nc/o \"Office\"", random.pick(country.names)),
            1..6 => format!("{}, {}", random.pick(country.names), random.pick(country.names)),
            6..12 => format!("{} {}", random.pick(country.names), random.pick(&["🎉", "👩‍🍳", "❤️"])),
            12..20 => format!("  {} ", random.pick(country.names)),
            20..24 => String::new(),
            _ => (*random.pick(country.names)).to_owned(),
        };
        Self { country, national, first_name, city: random.pick::<&str>(country.cities) }
    }

    /// `+91 98765 43210` with `gap` for each space.
    fn international(&self, gap: &str) -> String {
        let middle = self.national.len() / 2;
        format!("+{}{gap}{}{gap}{}", self.country.calling, &self.national[..middle], &self.national[middle..])
    }

    /// The number in one of the ways that people use, and the cell of the country column.
    fn spelled(&self, random: &mut Random) -> (String, &'static str) {
        let (calling, code) = (self.country.calling, self.country.code);
        let may_be_empty = if random.one_in(4) { "" } else { code };
        match (code, random.below(100)) {
            ("BR", 0..30) => {
                let (area, line) = self.national.split_at(2);
                // Only lines that begin with 6 to 9 had a number without the ninth digit.
                match line.as_bytes().get(1) {
                    Some(b'6'..=b'9') => (format!("+55 {area} {}", &line[1..]), may_be_empty),
                    _ => (format!("+55 ({area}) {line}"), may_be_empty),
                }
            }
            ("MX", 0..40) => (format!("+52 1 {}", self.national), may_be_empty),
            ("US", 0..30) => {
                let (area, line) = self.national.split_at(3);
                (format!("({area}) {}-{}", &line[..3], &line[3..]), code)
            }
            ("DE", 0..20) => (format!("+49 (0){}", self.national), may_be_empty),
            ("JP" | "DE" | "IN" | "EG" | "NG" | "ID" | "GB" | "FR" | "AE", 20..28) => {
                (format!("0{}", self.national), code)
            }
            ("EG" | "AE", 28..34) => {
                let digits = self.international(" ");
                (digits.chars().map(arabic).collect(), may_be_empty)
            }
            (_, 40..60) => (self.international(" "), may_be_empty),
            (_, 60..68) => (self.international("-"), may_be_empty),
            (_, 68..72) => (self.international("\u{a0}"), may_be_empty),
            (_, 72..76) => (format!("00{calling}{}", self.national), may_be_empty),
            (_, 76..82) => (format!("{calling}{}", self.national), code),
            (_, 82..83) => (format!("{calling}{}", self.national), ""),
            (_, 83..86) => (format!("(+{calling}) {}", self.national), may_be_empty),
            _ => (self.international(""), may_be_empty),
        }
    }
}

fn arabic(c: char) -> char {
    c.to_digit(10).and_then(|digit| char::from_u32(0x660 + digit)).unwrap_or(c)
}

fn quoted(field: &str) -> String {
    if field.contains(['"', ',', '\n']) || field.starts_with(' ') {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

/// `SplitMix64`: small, and the same on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }

    fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        let count = u64::try_from(choices.len()).unwrap_or_default();
        &choices[usize::try_from(self.below(count)).unwrap_or_default()]
    }
}
