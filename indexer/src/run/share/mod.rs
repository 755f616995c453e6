//! A backfill that several indexers on one PostgreSQL store divide: the one whose turn it is leads and offers ranges beyond
//! those that it asks for itself, those that stand by fetch them. What came of a range goes through the database as bytes
//! that are held against the question, and against the leader's own node, before they are used; whatever is wrong with them, or
//! with the way there, the leader asks the chain itself.

mod body;
mod help;
mod lead;
mod wire;

pub(super) use help::Helper;
pub(super) use lead::Lead;
