//! One finger on *freeze*: what is signed and outstanding dies with it, for good.

use anyhow::Result;
use bursar_sdk::{Purpose, Refusal, admin::TreasuryAdmin};

use super::{refusals::Counter, stage::Agents, story::Story};

pub(crate) async fn with_payment_outstanding(
    story: &mut Story,
    at: &Counter<'_>,
    agents: &Agents,
    (guardian, owner): (&TreasuryAdmin, &TreasuryAdmin),
) -> Result<()> {
    let comet = &agents.comet;
    let requirement = at.requirement(comet, "/weather").await?;
    let purpose = Purpose::new("signed, not yet settled", "the facilitator has not called yet");
    let outstanding = comet.authorize(&requirement, purpose).await?;
    let valid = comet.diagnose(&outstanding).await.is_ok();
    story.check(valid, "Comet has signed a payment that would settle now");

    let frozen = guardian.freeze_envelope(comet.view().envelope()).await?;
    story.tell(&format!("the guardian freezes Comet's envelope: {} gas", frozen.receipt.gas_used));
    let reason = Refusal::EnvelopeFrozen;
    at.offer(story, comet, "the outstanding payment", "/weather", &outstanding, Some(reason)).await?;
    at.attempt(story, comet, "after the freeze", "/weather", reason).await?;

    owner.unfreeze_envelope(comet.view().envelope()).await?;
    let reason = Refusal::PolicyChanged;
    at.offer(story, comet, "after the owner's release", "/weather", &outstanding, Some(reason)).await?;
    let frozen = guardian.freeze_envelope(comet.view().envelope()).await;
    story.check(frozen.is_ok(), "and Comet stays frozen until somebody has looked");
    Ok(())
}
