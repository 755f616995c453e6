//! Answers, and who gave them: what is shown to be wrong later is held against these.

use std::sync::Arc;

/// What endpoints said, one or several alike.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Given<T> {
    /// What they said.
    pub what: T,
    /// Who said it.
    pub by: Givers,
}

/// Endpoints of one [`super::Sources`], each once. Cheap to clone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Givers(Arc<[usize]>);

impl Givers {
    /// One alone, by its place.
    pub(super) fn one(place: usize) -> Self {
        Self([place].into())
    }

    /// All of both.
    pub(crate) fn and(&self, others: &Self) -> Self {
        let new = others.0.iter().filter(|other| !self.0.contains(*other));
        Self(self.0.iter().chain(new).copied().collect())
    }

    /// Their places.
    pub(super) fn places(&self) -> &[usize] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_named_once() {
        let both = Givers::one(3).and(&Givers::one(1));
        assert_eq!(both.places(), [3, 1]);
        assert_eq!(both.and(&Givers::one(3)), both);
        assert_eq!(Givers::default().and(&both), both);
    }
}
