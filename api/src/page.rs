//! Keyset pages with opaque cursors.

use serde::{Serialize, de::DeserializeOwned};
use utoipa::ToSchema;

use crate::{error::ApiError, extract::Number, past::ToldAsOf};

/// Most rows on a page.
pub const MAX_LIMIT: u64 = 200;
/// Rows on a page that asks for no number.
pub(crate) const DEFAULT_LIMIT: u64 = 50;

/// How many rows a page should have.
pub type PageLimit = Number<1, MAX_LIMIT>;

/// Rows, and where to go on.
#[derive(Debug, Serialize, ToSchema)]
pub struct Page<T> {
    /// The rows of this page.
    pub items: Vec<T>,
    /// Pass it as `cursor` to read on; null on the last page.
    pub next: Option<String>,
    /// As of when these are, where another time than now was asked for.
    #[serde(skip_serializing_if = "Option::is_none", rename = "asOf")]
    pub as_of: Option<ToldAsOf>,
}

/// Which page is asked for.
#[derive(Debug)]
pub struct Asked<K> {
    list: &'static str,
    /// The key of the last row of the page before.
    pub after: Option<K>,
    limit: u32,
}

impl<T> Page<T> {
    /// The same page of something else.
    pub fn map<U>(self, view: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(view).collect(), next: self.next, as_of: self.as_of }
    }
}

impl<K: Serialize + DeserializeOwned> Asked<K> {
    /// Reads cursor and limit of a list.
    ///
    /// # Errors
    /// When the cursor is not one that this list gave.
    pub fn new(list: &'static str, cursor: Option<&str>, limit: Option<PageLimit>) -> Result<Self, ApiError> {
        let limit = limit.map_or(DEFAULT_LIMIT, |limit| limit.0);
        let after = cursor.map(|text| decode(list, text)).transpose()?;
        Ok(Self { list, after, limit: u32::try_from(limit).unwrap_or(u32::MAX) })
    }

    /// How many rows to ask the store for: one more than the page has, to see whether there is a next one.
    pub fn fetch(&self) -> u32 {
        self.limit + 1
    }

    /// The page of what the store gave.
    pub fn page<R, T>(&self, mut rows: Vec<R>, key: impl Fn(&R) -> K, view: impl FnMut(R) -> T) -> Page<T> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = if more { rows.last().map(|row| encode(self.list, &key(row))) } else { None };
        Page { items: rows.into_iter().map(view).collect(), next, as_of: None }
    }
}

fn encode<K: Serialize>(list: &str, key: &K) -> String {
    // A key is numbers and hex strings: writing it cannot fail, and an empty cursor would be refused.
    hex::encode(serde_json::to_vec(&(list, key)).unwrap_or_default())
}

fn decode<K: DeserializeOwned>(list: &'static str, text: &str) -> Result<K, ApiError> {
    let refused =
        || ApiError::invalid_parameter("cursor", format!("a cursor that the list of {list} gave"), text);
    let bytes = hex::decode(text).map_err(|_| refused())?;
    let (of, key): (String, K) = serde_json::from_slice(&bytes).map_err(|_| refused())?;
    if of == list { Ok(key) } else { Err(refused()) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_cursor_leads_on_in_its_own_list_only() {
        let asked = Asked::<u64>::new("payments", None, Some(Number(2))).unwrap();
        let page = asked.page(vec![5, 4, 3], |row| *row, |row| row);
        assert_eq!(page.items, [5, 4]);
        let next = page.next.unwrap();
        assert_eq!(Asked::<u64>::new("payments", Some(&next), None).unwrap().after, Some(4));
        assert!(Asked::<u64>::new("sessions", Some(&next), None).is_err());
        for bad in ["", "zz", "00", "5b5d"] {
            assert!(Asked::<u64>::new("payments", Some(bad), None).is_err(), "{bad:?} was taken");
        }
    }

    #[test]
    fn the_last_page_leads_nowhere() {
        let asked = Asked::<u64>::new("payments", None, Some(Number(2))).unwrap();
        assert_eq!(asked.page(vec![5, 4], |row| *row, |row| row).next, None);
    }
}
