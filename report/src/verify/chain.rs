//! A report against the chain itself, asked through any node, without our database.
