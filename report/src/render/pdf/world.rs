//! What the typesetter may know: the template, what it draws, and the fonts that every build has. No clock, no disk, no
//! network, no packages.

use std::{collections::BTreeMap, sync::LazyLock};

use typst::{
    Library, LibraryExt as _, World,
    diag::{FileError, FileResult},
    foundations::{Bytes, Datetime, Duration},
    syntax::{FileId, RootedPath, Source, VirtualPath, VirtualRoot},
    text::{Font, FontBook},
    utils::LazyHash,
};

use crate::ReportError;

/// Words, and what is typed as it stands.
const FAMILIES: [&str; 2] = ["Libertinus Serif", "DejaVu Sans Mono"];

static FONTS: LazyLock<Vec<Font>> = LazyLock::new(|| {
    let all = typst_assets::fonts().flat_map(|font| Font::iter(Bytes::new(font)));
    all.filter(|font| FAMILIES.contains(&font.info().family.as_str())).collect()
});

/// Whether a font has a sign for it.
pub(super) fn drawable(letter: char) -> bool {
    FONTS.iter().any(|font| font.info().coverage.contains(u32::from(letter)))
}

/// A template and the files beside it.
pub(super) struct Sheet {
    library: LazyHash<Library>,
    book: LazyHash<FontBook>,
    main: Source,
    files: BTreeMap<&'static str, Bytes>,
}

impl Sheet {
    /// A template that reads these files, by their path.
    pub(super) fn new(
        template: &str,
        files: impl IntoIterator<Item = (&'static str, String)>,
    ) -> Result<Self, ReportError> {
        let path = VirtualPath::new("/main.typ").map_err(|error| ReportError::Drawing(error.to_string()))?;
        let main = RootedPath::new(VirtualRoot::Project, path).intern();
        Ok(Self {
            library: LazyHash::new(Library::default()),
            book: LazyHash::new(FontBook::from_fonts(FONTS.iter())),
            main: Source::new(main, template.to_owned()),
            files: files.into_iter().map(|(path, text)| (path, Bytes::from_string(text))).collect(),
        })
    }
}

impl World for Sheet {
    fn library(&self) -> &LazyHash<Library> {
        &self.library
    }

    fn book(&self) -> &LazyHash<FontBook> {
        &self.book
    }

    fn main(&self) -> FileId {
        self.main.id()
    }

    fn source(&self, id: FileId) -> FileResult<Source> {
        if id == self.main.id() { Ok(self.main.clone()) } else { Err(FileError::AccessDenied) }
    }

    fn file(&self, id: FileId) -> FileResult<Bytes> {
        let path = id.get();
        match path.root() {
            VirtualRoot::Project => self.files.get(path.vpath().get_without_slash()).cloned(),
            VirtualRoot::Package(_) => None,
        }
        .ok_or(FileError::AccessDenied)
    }

    fn font(&self, index: usize) -> Option<Font> {
        FONTS.get(index).cloned()
    }

    fn today(&self, _offset: Option<Duration>) -> Option<Datetime> {
        None
    }
}
