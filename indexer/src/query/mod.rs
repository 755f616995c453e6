//! The read side: typed filters and rows over the store.
