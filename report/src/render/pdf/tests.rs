#![allow(clippy::unwrap_used)]

use proptest::{prelude::*, test_runner::Config};
use serde_json::{Value, json};
use typst::layout::{Abs, Frame, FrameItem, Point, Transform};

use super::*;
use crate::document::{Cell, Table};

/// A report of one section with these tables.
fn report(tables: Vec<Table>) -> Report {
    let word = format!("0x{}", "05".repeat(20));
    let hash = format!("0x{}", "b1".repeat(32));
    let applicability = json!({ "applies": "voluntary", "because": "nothing was said" });
    let control = json!({
        "id": "C1", "paraphrase": "keep records", "evidence": ["logs"], "trials": [], "sections": ["S0"],
    });
    let report = json!({
        "schema": crate::document::SCHEMA,
        "producer": "bursar 0",
        "id": "6275727361725265b06f70742f310001",
        "subject": {
            "chainId": 1, "treasury": word, "height": 9, "isFinal": true, "blockNumber": 9, "blockHash": hash,
            "blockTime": 1_795_219_200, "recordsUntil": 1_795_219_800, "logSize": 0, "applicability": {},
            "assets": [{ "address": word, "symbol": "USDC", "decimals": 6 }],
        },
        "sections": [{ "id": "S0", "title": "Integrity", "text": ["To verify: `bursar verify`."], "tables": tables }],
        "underwriting": [],
        "trials": [],
        "frameworks": [{ "name": "A law", "applicability": applicability, "controls": [control] }],
        "annexes": [],
        "log": { "root": hash },
    });
    serde_json::from_value(report).unwrap()
}

fn table(columns: &[&str], rows: Vec<Vec<Cell>>) -> Table {
    let mut table = Table::new("Rows", columns);
    table.rows = rows;
    table
}

fn figure(value: u64, payee: &str) -> Cell {
    let rows = json!({ "annex": "payments", "where": { "payee": payee } });
    let figure: Value = json!({ "value": value.to_string(), "unit": "count", "from": { "count": rows } });
    Cell::Figure(Box::new(serde_json::from_value(figure).unwrap()))
}

/// Every run of text on a page: where it begins and ends, and what it says.
fn runs(frame: &Frame, by: Transform, all: &mut Vec<(Abs, Abs, String)>) {
    for (at, item) in frame.items() {
        match item {
            FrameItem::Group(group) => {
                let by = by.pre_concat(Transform::translate(at.x, at.y)).pre_concat(group.transform);
                runs(&group.frame, by, all);
            }
            FrameItem::Text(text) => {
                let start: Point = at.transform(by);
                all.push((start.x, start.x + text.width(), text.text.to_string()));
            }
            _ => {}
        }
    }
}

/// What is on each page, without the spaces between words: lines break where they have to.
fn pages(report: &Report) -> Vec<String> {
    pages_of(View::of(report).unwrap())
}

fn pages_of(view: View<'_>) -> Vec<String> {
    let document = typeset(view).unwrap();
    let text = |page: &typst_layout::Page| {
        let mut all = Vec::new();
        runs(&page.frame, Transform::identity(), &mut all);
        all.into_iter().map(|(_, _, text)| text).collect::<String>().split_whitespace().collect::<String>()
    };
    document.pages().iter().map(text).collect()
}

fn on_paper(report: &Report) -> Result<Vec<u8>, ReportError> {
    pdf(report, View::of(report)?)
}

fn packed(text: &str) -> String {
    text.split_whitespace().collect()
}

/// Markup, code, references, comments, paths and quotes, as somebody might write them who is not our friend.
const HOSTILE: &str = r##"#panic("x") #read("/etc/passwd") *b* _e_ $x^2$ @S0 <S0> = h // gone /* gone */ #{1} [c] \u{41} \\ "q" 'a' --- ~ https://evil.example <script>"##;

#[test]
fn what_strangers_write_is_shown_as_they_wrote_it() {
    let mut report =
        report(vec![table(&[HOSTILE], vec![vec![Cell::text(HOSTILE)], vec![figure(3, HOSTILE)]])]);
    report.sections[0].title = HOSTILE.into();
    report.sections[0].text = vec![HOSTILE.into(), format!("`{HOSTILE}`")];
    report.sections[0].tables[0].title = HOSTILE.into();
    report.subject.assets[0].symbol = HOSTILE.into();
    let limit = Cell::Limit("1500000".into(), report.subject.assets[0].address);
    report.sections[0].tables[0].rows.push(vec![limit]);
    report.frameworks[0].name = HOSTILE.into();
    report.frameworks[0].applicability.because = HOSTILE.into();
    report.frameworks[0].controls[0].paraphrase = HOSTILE.into();
    report.frameworks[0].controls[0].note = Some(HOSTILE.into());
    report.producer = HOSTILE.into();
    let text = pages(&report).concat();
    // Contents, title, two paragraphs, caption, heading, cell, amount; framework, why, control, note; producer.
    let seen = text.matches(&packed(HOSTILE)).count();
    assert_eq!(seen, 13, "{text}");
    // As the value of a filter it is quoted in its source.
    assert!(text.contains(&packed(&format!("payments.csv with payee={HOSTILE:?}"))), "{text}");
    on_paper(&report).unwrap();
}

#[test]
fn the_pack_shows_what_strangers_write_and_is_another_document() {
    let mut report = report(vec![]);
    let columns = table(&[HOSTILE], vec![vec![Cell::text(HOSTILE)], vec![figure(3, HOSTILE)]]);
    let section = crate::document::Section::new("U1", HOSTILE).say(HOSTILE).with(columns);
    report.underwriting = vec![section];
    let text = pages_of(View::underwriting(&report).unwrap()).concat();
    // Contents, title, paragraph, heading, cell.
    assert_eq!(text.matches(&packed(HOSTILE)).count(), 5, "{text}");
    assert!(text.contains("BURSARUNDERWRITER") && !text.contains("Controlsbyframework"), "{text}");
    let pack = |report: &Report| pdf(report, View::underwriting(report).unwrap()).unwrap();
    let (one, again) = (pack(&report), pack(&report));
    assert!(one == again, "the same pack, other bytes");
    report.underwriting[0].tables[0].rows[1] = vec![figure(4, HOSTILE)];
    assert!(one != pack(&report), "another pack, the same bytes");
}

#[test]
fn every_letter_can_be_drawn_or_is_spelled_out() {
    let letters: Vec<char> = ('\0'..='\u{2fff}').chain('\u{d7f0}'..='\u{10010}').collect();
    let cells = letters.chunks(64).map(|some| vec![Cell::text(some.iter().collect::<String>())]).collect();
    let report = report(vec![table(&["letters"], cells)]);
    assert!(on_paper(&report).unwrap().starts_with(b"%PDF-1.7"));
    let text = pages(&report).concat();
    for hidden in ["\u{202e}", "\u{200b}", "\u{feff}", "\u{e000}"] {
        assert!(!text.contains(hidden), "{hidden:?} is on paper");
    }
    assert!(text.contains(r"\u{202e}"), "{text}");
}

proptest! {
    #![proptest_config(Config::with_cases(16))]
    #[test]
    fn any_text_is_typeset(text in any::<String>(), heading in any::<String>()) {
        let report = report(vec![table(&[&heading], vec![vec![Cell::text(text)]])]);
        prop_assert!(draw(&report, View::of(&report).unwrap()).is_ok());
    }
}

#[test]
fn the_same_report_gives_the_same_bytes_and_another_row_gives_others() {
    let of = |value| {
        on_paper(&report(vec![table(&["payee", "paid"], vec![vec![Cell::text("a"), figure(value, "a")]])]))
    };
    let (one, again, other) = (of(7).unwrap(), of(7).unwrap(), of(8).unwrap());
    assert!(one == again, "the same report, other bytes");
    assert!(one != other, "another report, the same bytes");
    // The clock of the chain, and no other.
    let date = b"/CreationDate";
    let at = one.windows(date.len()).position(|some| some == date).unwrap();
    let said = String::from_utf8_lossy(&one[at..at + 40]);
    assert!(said.contains("D:20261121000000"), "{said}");
}

#[test]
fn long_tables_repeat_their_headings_and_nothing_leaves_the_page() {
    let hash = format!("0x{}", "ab".repeat(32));
    let long = "w".repeat(300);
    let columns =
        ["token", "payee", "transaction", "root", "SHA-256", "approver", "reason", "paid", "of all"];
    let row = |number: u64| {
        let mut cells: Vec<Cell> = (0..6).map(|_| Cell::text(&hash)).collect();
        cells.push(Cell::text(if number == 3 { &long } else { "over_limit" }));
        cells.extend([figure(number, &hash), figure(u64::MAX, &long)]);
        cells
    };
    let report = report(vec![table(&columns, (0..60).map(row).collect())]);
    let document = typeset(View::of(&report).unwrap()).unwrap();
    let mut with_rows = 0;
    for page in document.pages() {
        let mut all = Vec::new();
        runs(&page.frame, Transform::identity(), &mut all);
        let margin = Abs::mm(13.9);
        for (start, end, text) in &all {
            assert!(*start >= margin && *end <= page.frame.width() - margin, "{text:?} leaves the page");
        }
        let says = |what: &str| all.iter().any(|(_, _, text)| text == what);
        if says("over_limit") {
            with_rows += 1;
            assert!(says("approver"), "a page of the table without its headings");
        }
    }
    assert!(with_rows > 1, "the table fits on a page");
}

#[test]
fn each_number_leads_to_its_source_once() {
    let rows = vec![vec![figure(7, "a")], vec![figure(7, "a")], vec![figure(9, "b")]];
    let text = pages(&report(vec![table(&["paid"], rows)])).concat();
    assert_eq!((text.matches("7[1]").count(), text.matches("9[2]").count()), (2, 1), "{text}");
    assert!(
        text.contains(r#"[1]7=rowsofpayments.csvwithpayee="a"[2]9=rowsofpayments.csvwithpayee="b""#),
        "{text}"
    );
}
