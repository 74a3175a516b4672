use super::*;
use crate::content::{ListRow, ListSection};

fn long(chars: usize) -> String {
    "ä".repeat(chars)
}

const fn too_long(place: &'static str, chars: usize, most: usize) -> ContentError {
    ContentError::TooLong { place, chars, most }
}

#[test]
fn so_is_what_breaks_one_in_headers_links_cards_and_templates() {
    let card = |index| Card::buttons(index, Header::image(Media::id("1")), [Button::quick_reply("a", "b")]);
    let refused: [(Message, ContentError); 7] = [
        (Interactive::catalog("b").footer(long(61)).into(), too_long("interactive.footer.text", 61, 60)),
        (
            Interactive::catalog("b").header(Header::text(long(61))).into(),
            too_long("interactive.header.text", 61, 60),
        ),
        (
            Interactive::link("b", "t", "ftp://example.com").into(),
            ContentError::Link { place: "interactive.action.parameters.url" },
        ),
        (
            Interactive::carousel("b", [card(0)]).into(),
            ContentError::Count { place: "interactive.action.cards", count: 1, least: 2, most: 10 },
        ),
        (
            TemplateMessage::new("t", "en").url_button(10, "x").into(),
            ContentError::Range { place: "template.components.index", least: 0, most: 9 },
        ),
        (
            TemplateMessage::new("t", "en").copy_code_button(0, long(16)).into(),
            too_long("template.components.parameters", 16, 15),
        ),
        (
            TemplateMessage::new("t", "en").body([Parameter::text("")]).into(),
            ContentError::Empty { place: "template.components.parameters" },
        ),
    ];
    for (message, error) in refused {
        assert_eq!(message.check(), Err(error), "{message:?}");
    }
    assert_eq!(Message::from(Interactive::carousel("b", (0..10).map(card))).check(), Ok(()));
}

#[test]
fn what_breaks_a_limit_is_refused_with_its_place() {
    let button = |id: String, title: String| Button::reply(id, title);
    let rows = |count: usize| (0..count).map(|row| ListRow::new(row.to_string(), "t")).collect::<Vec<_>>();
    let list = |rows: Vec<ListRow>| Message::from(Interactive::list("b", "c", [ListSection::new("s", rows)]));
    let refused = [
        (Message::text(" \n"), ContentError::Empty { place: "text.body" }),
        (Message::text(long(4097)), too_long("text.body", 4097, 4096)),
        (Message::image(Media::default()), ContentError::Source { place: "image" }),
        (
            Message::video(Media { link: Some("https://example.com".to_owned()), ..Media::id("1") }),
            ContentError::Source { place: "video" },
        ),
        (Message::image(Media::link("http://example.com/a.jpg")), ContentError::Link { place: "image" }),
        (Message::sticker(Media::link("https://")), ContentError::Link { place: "sticker" }),
        (Message::image(Media::id("1").caption(long(1025))), too_long("caption", 1025, 1024)),
        (
            Message::audio(Media::id("1").caption("x")),
            ContentError::Misplaced { place: "caption", remedy: "send the text by itself" },
        ),
        (
            Message::location(90.5, 0.0),
            ContentError::Range { place: "location.latitude", least: -90, most: 90 },
        ),
        (Message::contacts([]), ContentError::Count { place: "contacts", count: 0, least: 1, most: 257 }),
        (
            Message::buttons("b", (0..4).map(|n| button(n.to_string(), n.to_string()))),
            ContentError::Count { place: "interactive.action.buttons", count: 4, least: 1, most: 3 },
        ),
        (
            Message::buttons("b", [button("i".to_owned(), long(21))]),
            too_long("interactive.action.buttons.reply.title", 21, 20),
        ),
        (
            Message::buttons("b", [button(long(257), "t".to_owned())]),
            too_long("interactive.action.buttons.reply.id", 257, 256),
        ),
        (
            Message::buttons("b", ["t", "u"].map(|title| button("i".to_owned(), title.to_owned()))),
            ContentError::Twice { place: "interactive.action.buttons.reply.id" },
        ),
        (Message::buttons(long(1025), []), too_long("interactive.body.text", 1025, 1024)),
        (
            list(rows(11)),
            ContentError::Count { place: "interactive.action.sections.rows", count: 11, least: 1, most: 10 },
        ),
        (list(vec![ListRow::new("1", long(25))]), too_long("interactive.action.sections.rows.title", 25, 24)),
        (
            list(vec![ListRow::new("1", "t").description(long(73))]),
            too_long("interactive.action.sections.rows.description", 73, 72),
        ),
    ];
    for (message, error) in refused {
        assert_eq!(message.check(), Err(error), "{message:?}");
    }
    for taken in [
        Message::text(long(4096)),
        Message::image(Media::id("1").caption(long(1024))),
        Message::buttons(long(1024), (0..3).map(|n| button(n.to_string(), format!("{n}{}", long(19))))),
        list(rows(10)),
        Interactive::list(long(4096), long(20), [ListSection::new(long(24), rows(1))]).into(),
    ] {
        assert_eq!(taken.check(), Ok(()));
    }
}
