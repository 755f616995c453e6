//! services
use anyhow::Result;
use super::Context;
pub(crate) async fn serve(_: &Context) -> Result<()> { Ok(()) }
pub(crate) async fn index(_: &Context) -> Result<()> { Ok(()) }
pub(crate) async fn api(_: &Context) -> Result<()> { Ok(()) }
