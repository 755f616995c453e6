//! A file that is written again is held against the one that is there, line by line.

use std::{
    fs::File,
    io::{self, BufRead as _, BufReader, Write},
    path::Path,
};

/// Takes what a file should be, and remembers the first line in which it is not.
#[derive(Debug)]
pub(super) struct Compare {
    name: String,
    there: Option<BufReader<File>>,
    line: Vec<u8>,
    number: u64,
    differs: Option<String>,
}

impl Compare {
    /// Against the file of that name; where there is none, nothing is compared.
    pub(super) fn open(folder: &Path, name: &str) -> io::Result<Self> {
        let there = match File::open(folder.join(name)) {
            Ok(file) => Some(BufReader::with_capacity(1 << 16, file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        Ok(Self { name: name.to_owned(), there, line: Vec::new(), number: 0, differs: None })
    }

    /// Where it first differs; `None` where it does not.
    pub(super) fn end(mut self) -> io::Result<Option<String>> {
        if self.differs.is_none()
            && let Some(there) = &mut self.there
        {
            let mut rest = Vec::new();
            there.read_until(b'\n', &mut rest)?;
            if !rest.is_empty() || !self.line.is_empty() {
                self.number += 1;
                self.differs = Some(self.says(&self.line, &rest));
            }
        }
        Ok(self.differs)
    }

    fn says(&self, expected: &[u8], got: &[u8]) -> String {
        let at = expected.iter().zip(got).take_while(|(a, b)| a == b).count();
        let part = |line: &[u8]| {
            let from = line.get(at.saturating_sub(24)..).unwrap_or_default();
            String::from_utf8_lossy(from.get(..from.len().min(96)).unwrap_or_default()).trim_end().to_owned()
        };
        let (expected, got) = (part(expected), part(got));
        format!("{}, line {}: expected …{expected:?}, got …{got:?}", self.name, self.number)
    }

    fn whole_line(&mut self) -> io::Result<()> {
        self.number += 1;
        if let Some(there) = &mut self.there
            && self.differs.is_none()
        {
            let mut got = Vec::new();
            there.read_until(b'\n', &mut got)?;
            if got != self.line {
                self.differs = Some(self.says(&self.line, &got));
            }
        }
        self.line.clear();
        Ok(())
    }
}

impl Write for Compare {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        for part in buffer.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(part);
            if part.ends_with(b"\n") {
                self.whole_line()?;
            }
        }
        Ok(buffer.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
