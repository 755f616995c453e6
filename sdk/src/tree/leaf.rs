//! The leaves of a tree, and which of them the model's answers lead to.

use super::Answer;
use crate::model::{Carried, Counted, Judged, OpeningRule, PaymentRule, Stop};

/// Where the questions end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf {
    /// A stable name: which rule is broken, of an opening or of a payment.
    pub id: String,
    /// The answer.
    pub answer: Answer,
}

/// The name of the leaf that an opening ends at: the rule it breaks first, or none.
pub fn leaf_of_opening(broken: Option<OpeningRule>) -> Leaf {
    broken.map_or_else(Leaf::allowed_opening, Leaf::of_opening)
}

/// The name of the leaf that a payment ends at.
pub fn leaf_of_payment(judged: &Judged) -> Leaf {
    match judged.broken {
        Some(broken) => Leaf::of_payment(judged.carried, broken.rule),
        // Whatever breaks no rule came as far as to be asked what it carries.
        None => Leaf::allowed_payment(judged.carried.unwrap_or(Carried::Nothing)),
    }
}

impl Leaf {
    pub(super) fn of_opening(rule: OpeningRule) -> Self {
        let id = match rule {
            OpeningRule::EndsWithWindow(limit) => format!("open.{}.ends_with_window", counted(limit)),
            OpeningRule::WithinLimit(limit) => format!("open.{}.within_limit", counted(limit)),
            OpeningRule::Runs(stop) => format!("open.{}", runs(stop)),
            rule => format!("open.{}", snake(&format!("{rule:?}"))),
        };
        Self { id, answer: Answer::Refused(rule.refusal()) }
    }

    pub(super) fn of_payment(carried: Option<Carried>, rule: PaymentRule) -> Self {
        let name = match rule {
            PaymentRule::Runs(stop) => runs(stop),
            rule => snake(&format!("{rule:?}")),
        };
        Self { id: format!("pay.{}{name}", way(carried)), answer: Answer::Refused(rule.refusal()) }
    }

    pub(super) fn allowed_opening() -> Self {
        Self { id: "open.allowed".into(), answer: Answer::Allowed }
    }

    pub(super) fn allowed_payment(carried: Carried) -> Self {
        Self { id: format!("pay.{}allowed", way(Some(carried))), answer: Answer::Allowed }
    }
}

fn way(carried: Option<Carried>) -> String {
    carried.map(|carried| format!("{}.", snake(&format!("{carried:?}")))).unwrap_or_default()
}

fn runs(stop: Stop) -> String {
    format!("{}_runs", snake(&format!("{stop:?}")))
}

fn counted(limit: Counted) -> String {
    match limit.group {
        0 => limit.period.to_string(),
        group => format!("group_{group}.{}", limit.period),
    }
}

fn snake(name: &str) -> String {
    let mut snake = String::new();
    for (at, letter) in name.char_indices() {
        if letter.is_ascii_uppercase() && at != 0 {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}
