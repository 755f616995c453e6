//! The files beside a report: unchanged, adding up to its numbers, and looking as it does.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io::{self, BufRead as _, BufReader, Read as _},
    path::Path,
};

use sha2::{Digest as _, Sha256};

use super::{Check, read::Table};
use crate::{
    ReportError,
    annex::{Annex, RECORDS, Summary},
    document::{Cell, Report},
    figure::Figure,
    render,
    tally::Tally,
};

/// Every file is the one that the report names. Records may be withheld: their file is not there at all.
pub(super) fn unchanged(folder: &Path, report: &Report) -> Result<Check, ReportError> {
    let mut places = Vec::new();
    let expected: BTreeSet<String> =
        Annex::ALL.iter().map(|annex| annex.file()).chain([RECORDS.to_owned()]).collect();
    let named: BTreeSet<String> = report.annexes.iter().map(|file| file.file.clone()).collect();
    if expected != named {
        places.push(format!("report.json: expected the files {expected:?}, got {named:?}"));
    }
    for file in report.annexes.iter().filter(|file| expected.contains(&file.file)) {
        let path = folder.join(&file.file);
        if !path.exists() {
            if file.file != RECORDS {
                places.push(format!("{}: the file is not there", file.file));
            }
            continue;
        }
        let found = digest(&path)?;
        if (found.0, found.1.as_str()) != (file.bytes, file.sha256.as_str()) {
            places.push(format!(
                "{}: expected {} bytes with SHA-256 {}, got {} bytes with {}",
                file.file, file.bytes, file.sha256, found.0, found.1
            ));
        }
    }
    Ok(Check::of("every file is as the report names it", places))
}

fn digest(path: &Path) -> Result<(u64, String), ReportError> {
    let mut file = BufReader::with_capacity(1 << 16, File::open(path)?);
    let (mut hash, mut bytes) = (Sha256::new(), 0u64);
    loop {
        let part = file.fill_buf()?;
        if part.is_empty() {
            return Ok((bytes, hex::encode(hash.finalize())));
        }
        hash.update(part);
        let length = part.len();
        bytes = bytes.saturating_add(u64::try_from(length).unwrap_or(u64::MAX));
        file.consume(length);
    }
}

/// Every number is what the rows that it names come to.
pub(super) fn adds_up(folder: &Path, report: &Report) -> Result<Check, ReportError> {
    let what = "every number is what its rows count or add up to";
    let figures = figures(report);
    let mut groupings = BTreeMap::<Annex, Vec<BTreeSet<&str>>>::new();
    for (place, figure) in &figures {
        for rows in figure.from.rows() {
            match Annex::named(&rows.annex) {
                Ok(annex) => {
                    let columns = rows.filter.keys().map(String::as_str).collect();
                    groupings.entry(annex).or_default().push(columns);
                }
                Err(error) => return Ok(Check::of(what, vec![format!("{place}: {error}")])),
            }
        }
    }
    let flat = groupings.iter().flat_map(|(annex, all)| all.iter().map(|columns| (*annex, columns.clone())));
    let mut tally = match Tally::by(flat) {
        Ok(tally) => tally,
        Err(error) => return Ok(Check::of(what, vec![format!("report.json: {error}")])),
    };
    let mut places = Vec::new();
    for annex in groupings.keys() {
        if let Err(error) = count(folder, report, *annex, &mut tally) {
            places.push(error.to_string());
        }
    }
    for (place, figure) in figures {
        match figure.from.value(&tally) {
            Ok(value) if value.to_string() == figure.value => {}
            Ok(value) => places.push(format!("{place}: expected {value}, got {}", figure.value)),
            Err(error) => places.push(format!("{place}: {error}")),
        }
    }
    Ok(Check::of(what, places))
}

fn count(folder: &Path, report: &Report, annex: Annex, tally: &mut Tally) -> Result<(), ReportError> {
    let mut rows = 0u64;
    let mut table = Table::open(folder, annex)?;
    while let Some(row) = table.next_row()? {
        tally.add(annex, row.cells())?;
        rows = rows.saturating_add(1);
    }
    let said: Option<&Summary> = report.annexes.iter().find(|file| file.name == annex.name());
    match said {
        Some(said) if said.rows == rows => Ok(()),
        said => {
            let said = said.map(|said| said.rows).unwrap_or_default();
            Err(ReportError::row(annex, format!("expected {said} rows, got {rows}")))
        }
    }
}

/// Every figure, and where it stands.
fn figures(report: &Report) -> Vec<(String, &Figure)> {
    let mut all = Vec::new();
    for section in report.sections.iter().chain(&report.underwriting) {
        for table in &section.tables {
            for (number, row) in table.rows.iter().enumerate() {
                for (cell, column) in row.iter().zip(&table.columns) {
                    if let Cell::Figure(figure) = cell {
                        let row = number + 1;
                        all.push((
                            format!("{}, {:?}, row {row}, {column:?}", section.id, table.title),
                            figure.as_ref(),
                        ));
                    }
                }
            }
        }
    }
    all
}

/// Pages and files for tools say what the report says. One that is not there was left out.
pub(super) fn renderings(folder: &Path, report: &Report) -> Result<Vec<Check>, ReportError> {
    let drawn = render::ALL.iter().map(|rendering| (rendering.name, || rendering.draw(report)));
    let (mut places, unchecked) = differing(folder, drawn)?;
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let ours = name == crate::bundle::REPORT
            || report.annexes.iter().any(|file| file.file == name)
            || render::ALL.iter().any(|rendering| rendering.name == name);
        if !ours {
            places.push(format!("{name}: no file of a report"));
        }
    }
    let mut checks = vec![Check::of("pages and files for tools say what report.json says", places)];
    checks.extend(unchecked);
    Ok(checks)
}

/// Where files are not as they are drawn again; and those that this build cannot draw. What is not there is not drawn.
fn differing<D>(
    folder: &Path,
    drawn: impl Iterator<Item = (&'static str, D)>,
) -> Result<(Vec<String>, Vec<Check>), ReportError>
where
    D: FnOnce() -> Result<Option<Vec<u8>>, ReportError>,
{
    let (mut places, mut unchecked) = (Vec::new(), Vec::new());
    for (name, draw) in drawn {
        let mut found = Vec::new();
        match File::open(folder.join(name)) {
            Ok(mut file) => file.read_to_end(&mut found)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error.into()),
        };
        let Some(expected) = draw()? else {
            let what = format!("{name} says what report.json says");
            unchecked.push(Check::not_checked(what, "this build of bursar cannot draw it"));
            continue;
        };
        if found != expected {
            let at = expected.iter().zip(&found).take_while(|(a, b)| a == b).count();
            places.push(format!("{name}, byte {at}: not what report.json looks like"));
        }
    }
    Ok((places, unchecked))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::Outcome;

    #[test]
    fn what_this_build_cannot_draw_is_not_checked_and_the_rest_is() -> Result<(), ReportError> {
        let folder = tempfile::tempdir()?;
        fs::write(folder.path().join("report.pdf"), "%PDF")?;
        fs::write(folder.path().join("report.html"), "a page")?;
        let held = |page: &'static str, paper: Option<&'static str>| {
            let drawn = [("report.html", Some(page)), ("report.pdf", paper)];
            let drawn =
                drawn.map(|(name, text)| (name, move || Ok(text.map(|text| text.as_bytes().to_vec()))));
            differing(folder.path(), drawn.into_iter())
        };
        let (places, unchecked) = held("another page", None)?;
        assert_eq!(places, ["report.html, byte 1: not what report.json looks like"]);
        assert_eq!(unchecked.len(), 1);
        assert_eq!(unchecked[0].outcome, Outcome::NotChecked);
        assert_eq!(unchecked[0].what, "report.pdf says what report.json says");
        let (places, unchecked) = held("a page", Some("%PDf"))?;
        assert_eq!(places, ["report.pdf, byte 3: not what report.json looks like"]);
        assert!(unchecked.is_empty());
        // One that was left out is not missed, whatever the build.
        fs::remove_file(folder.path().join("report.pdf"))?;
        assert_eq!(held("a page", None)?.1, []);
        assert!(held("a page", Some("%PDF"))?.0.is_empty());
        Ok(())
    }
}
