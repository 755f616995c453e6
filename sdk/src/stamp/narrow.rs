//! A child is at most its parent, field by field.

use super::{
    bundle::Link,
    refusal::{StampRefusal, StampRefused},
};

/// Whether a link only narrows the one it is delegated from. `agentRef`, `httpsigJkt` and `workloadHash` name the
/// subject itself and are the child's own; everything else is at most the parent's.
pub(crate) fn check(parent: &Link, child: &Link) -> Result<(), StampRefused> {
    let (above, below) = (&parent.stamp, &child.stamp);
    if above.depth_left == 0 || below.depth_left >= above.depth_left {
        let expected = match above.depth_left {
            0 => "no delegation".to_owned(),
            left => format!("depthLeft below {left}"),
        };
        return Err(StampRefused::new(StampRefusal::DepthExceeded, expected, below.depth_left));
    }
    for (what, most, got) in [
        ("perPaymentMax", above.per_payment_max, below.per_payment_max),
        ("totalMax", above.total_max, below.total_max),
    ] {
        if got > most {
            return Err(StampRefused::new(
                StampRefusal::LimitWider,
                format_args!("{what} at most {most}"),
                got,
            ));
        }
    }
    if let Some(window) = child.windows.wider_than(&parent.windows) {
        let expected = format_args!("at most {} in {} s", window.limit, window.period);
        return Err(StampRefused::new(StampRefusal::LimitWider, expected, "a higher limit, or none"));
    }
    if let Some(list) = child.scope.wider_than(&parent.scope) {
        let expected = format_args!("{list} of the parent's scope");
        return Err(StampRefused::new(StampRefusal::ScopeWider, expected, "others as well"));
    }
    if below.not_before < above.not_before || below.not_after > above.not_after {
        return Err(StampRefused::new(
            StampRefusal::ValidityWider,
            format_args!("within {} to {}", above.not_before, above.not_after),
            format_args!("{} to {}", below.not_before, below.not_after),
        ));
    }
    if !above.policy_hash.is_zero() && below.policy_hash != above.policy_hash {
        return Err(StampRefused::new(StampRefusal::PolicyDiffers, above.policy_hash, below.policy_hash));
    }
    if below.epoch != above.epoch {
        return Err(StampRefused::new(StampRefusal::EpochDiffers, above.epoch, below.epoch));
    }
    Ok(())
}
