//! The underwriter's pack, U1 to U7: what an insurer of agents' payments asks, from the same figures as the report.

mod conduct;
mod exposure;
mod losses;
mod safeguards;

use super::{Material, behaviour, oversight, payments, people, policies, scope};
use crate::{ReportError, document::Section};

/// Every section of the pack, in order.
pub(crate) fn underwriting(of: &Material<'_>) -> Result<Vec<Section>, ReportError> {
    Ok(vec![
        exposure::exposure(of)?,
        safeguards::safeguards(of)?,
        losses::losses(of)?,
        conduct::concentration(of)?,
        conduct::approvals(of)?,
        conduct::response(of)?,
        conduct::standing(of)?,
    ])
}
