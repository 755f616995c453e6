//! A folder as one file that everybody can open.

use std::{
    fs::File,
    io::{self, BufReader, BufWriter},
    path::Path,
};

use zip::{CompressionMethod, DateTime, ZipWriter, write::SimpleFileOptions};

/// Writes what is `wanted` of a folder to a file, in a folder called `name`; gives its size in bytes. The same files give the same
/// bytes.
///
/// # Errors
/// When something cannot be read or written.
pub(super) fn zip(folder: &Path, name: &str, to: &Path, wanted: impl Fn(&str) -> bool) -> io::Result<u64> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        names.extend(entry?.file_name().into_string().ok());
    }
    names.sort();
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(DateTime::default())
        .large_file(true);
    let mut zip = ZipWriter::new(BufWriter::new(File::create_new(to)?));
    for file in names.iter().filter(|name| wanted(name)) {
        zip.start_file(format!("{name}/{file}"), options)?;
        io::copy(&mut BufReader::new(File::open(folder.join(file))?), &mut zip)?;
    }
    let file = zip.finish()?.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.sync_all()?;
    Ok(file.metadata()?.len())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::{fs, io::Read as _};

    use super::*;

    #[test]
    fn a_folder_comes_out_as_it_went_in_but_for_what_is_left_out() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("of");
        fs::create_dir(&folder).unwrap();
        for (name, text) in [("b.csv", "1,2\n"), ("a.json", "{}"), ("c.jsonl", "secret")] {
            fs::write(folder.join(name), text).unwrap();
        }
        let to = |name: &str| place.path().join(name);
        let size = zip(&folder, "report-1", &to("one"), |name| name != "c.jsonl").unwrap();
        assert_eq!(size, fs::metadata(to("one")).unwrap().len());
        zip(&folder, "report-1", &to("two"), |name| name != "c.jsonl").unwrap();
        assert_eq!(fs::read(to("one")).unwrap(), fs::read(to("two")).unwrap());
        let mut read = zip::ZipArchive::new(File::open(to("one")).unwrap()).unwrap();
        assert_eq!(read.file_names().collect::<Vec<_>>(), ["report-1/a.json", "report-1/b.csv"]);
        let mut text = String::new();
        read.by_name("report-1/b.csv").unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "1,2\n");
        assert!(zip(&folder, "report-1", &to("one"), |_| true).is_err(), "nothing is written over");
    }
}
