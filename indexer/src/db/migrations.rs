//! What brings a store of an earlier version to this one's schema, embedded. Not by sqlx's own macro: for that, the compiler
//! would have both databases' drivers, and SQLite itself, compiled a second time for its own use.

use std::{borrow::Cow, sync::LazyLock};

use include_dir::{Dir, File, include_dir};
use sqlx::{
    SqlSafeStr as _,
    migrate::{Migration, MigrationType, Migrator},
};

static SQLITE_FILES: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/migrations/sqlite");
static POSTGRES_FILES: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/migrations/postgres");

pub(super) static SQLITE: LazyLock<Migrator> = LazyLock::new(|| migrator(&SQLITE_FILES));
pub(super) static POSTGRES: LazyLock<Migrator> = LazyLock::new(|| migrator(&POSTGRES_FILES));

fn migrator(files: &'static Dir<'static>) -> Migrator {
    Migrator::with_migrations(files.files().filter_map(migration).collect())
}

/// `0012_read_indexes.sql` is version 12, "read indexes". Each is applied in a transaction.
fn migration(file: &'static File<'static>) -> Option<Migration> {
    let (version, name) = file.path().file_stem()?.to_str()?.split_once('_')?;
    let sql = file.contents_utf8()?.into_sql_str();
    let description = Cow::Owned(name.replace('_', " "));
    Some(Migration::new(version.parse().ok()?, description, MigrationType::Simple, sql, false))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn every_file_is_a_migration_of_its_own_version() {
        for (files, migrator) in [(&SQLITE_FILES, &SQLITE), (&POSTGRES_FILES, &POSTGRES)] {
            let mut versions: Vec<i64> = migrator.iter().map(|migration| migration.version).collect();
            assert_eq!(versions.len(), files.entries().len());
            assert!(!versions.is_empty());
            versions.dedup();
            assert_eq!(versions.len(), files.entries().len(), "in order, and each once");
            assert!(versions.is_sorted());
        }
    }

    /// Of a migration that has come to differ from what a store was made with, the store is refused.
    #[test]
    fn a_store_of_an_earlier_version_was_made_with_the_same() {
        let first = SQLITE.iter().next().unwrap();
        let kept = "6e7f8376ca8936d559039cc97134aef62a8c32d63a126592197ae87adc046c41\
                    9f1933861f13b4005e003483b0fb548a";
        assert_eq!((first.version, &*first.description), (1, "ledger"));
        assert_eq!(hex::encode(&*first.checksum), kept);
    }
}
