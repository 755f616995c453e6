//! What people type into a list's form, in the API's words. What they leave blank is not asked; what is not understood
//! stays as it is, for the API to refuse.

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use url::form_urlencoded;

use crate::Config;

/// A filter, as a form asks for it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field {
    /// The API's name for it.
    pub(super) name: &'static str,
    pub(super) label: &'static str,
    pub(super) kind: Kind,
}

/// What is typed into a field.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    /// An address, or a name that this service knows.
    Account,
    /// 32 bytes.
    Hash,
    /// A whole number.
    Number,
    /// A date, a date with a time (both UTC), or unix seconds.
    Time,
    /// Atomic units; with a point or a symbol, tokens.
    Amount,
    /// A refusal.
    Reason,
    /// One of these: as the API spells it, and as people do.
    Choice(&'static [(&'static str, &'static str)]),
}

/// A field of that name.
pub(super) const fn field(name: &'static str, label: &'static str, kind: Kind) -> Field {
    Field { name, label, kind }
}

// What several lists are asked by.
pub(super) const AGENT: Field = field("agent", "Agent", Kind::Account);
pub(super) const PAYEE: Field = field("payee", "Payee", Kind::Account);
pub(super) const TREASURY: Field = field("treasury", "Treasury", Kind::Account);
pub(super) const ENVELOPE: Field = field("envelope", "Envelope", Kind::Number);
pub(super) const FROM: Field = field("from", "From (UTC, inclusive)", Kind::Time);
pub(super) const UNTIL: Field = field("until", "Until (UTC, exclusive)", Kind::Time);
pub(super) const AS_OF: Field = field("as_of", "As of block", Kind::Number);
pub(super) const AS_OF_TIME: Field = field("as_of_time", "As of (UTC, inclusive)", Kind::Time);
pub(super) const AT_LEAST: Field = field("min_amount", "Amount at least", Kind::Amount);
pub(super) const AT_MOST: Field = field("max_amount", "Amount at most", Kind::Amount);
pub(super) const SESSION: Field = field("session", "Session", Kind::Hash);
pub(super) const RAIL: Field = field(
    "rail",
    "Rail",
    Kind::Choice(&[
        ("eip3009", "EIP-3009"),
        ("permit2_exact", "Permit2, exact"),
        ("permit2_upto", "Permit2, up to"),
        ("permit2", "Permit2, unknown which"),
    ]),
);
pub(super) const STATE: Field = field(
    "state",
    "State",
    Kind::Choice(&[
        ("final", "Final"),
        ("safe", "Safe: unlikely to be taken back"),
        ("seen", "Seen: may be taken back"),
    ]),
);

/// What is asked, in the API's words.
#[derive(Debug, Clone, Default)]
pub(super) struct Words(Vec<(String, String)>);

impl Words {
    /// Of a form's query. Names stand for accounts where `named`: names are of all treasuries, and so for those alone who
    /// see all of them.
    pub(super) fn of(query: &str, fields: &[Field], config: &Config, named: bool) -> Self {
        let pairs = form_urlencoded::parse(query.as_bytes()).map(|(name, value)| {
            let value = value.trim();
            let field = fields.iter().find(|field| field.name == name);
            let field = field.filter(|field| named || !matches!(field.kind, Kind::Account));
            let value =
                field.and_then(|field| spelled(field.kind, value, config)).unwrap_or(value.to_owned());
            (name.into_owned(), value)
        });
        Self(pairs.filter(|(_, value)| !value.is_empty()).collect())
    }

    /// As a query, without the parameters of these names.
    pub(super) fn without(&self, names: &[&str]) -> String {
        self.kept(names).finish()
    }

    /// As a query, from where a page ended.
    pub(super) fn going_on(&self, cursor: &str) -> String {
        self.kept(&["cursor"]).append_pair("cursor", cursor).finish()
    }

    fn kept(&self, without: &[&str]) -> form_urlencoded::Serializer<'static, String> {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(self.0.iter().filter(|(name, _)| !without.contains(&name.as_str())));
        query
    }

    /// The value of a parameter.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find_map(|(known, value)| (known == name).then_some(value.as_str()))
    }

    /// Whether a form has been filled in.
    pub(super) fn any(&self, fields: &[Field]) -> bool {
        fields.iter().any(|field| self.get(field.name).is_some())
    }
}

/// As the API spells it; `None` where it is spelled so already, or nobody knows.
fn spelled(kind: Kind, typed: &str, config: &Config) -> Option<String> {
    match kind {
        Kind::Account if !typed.starts_with("0x") => {
            let mut named = config.names.iter().filter(|(_, name)| name.eq_ignore_ascii_case(typed));
            let (address, _) = named.next()?;
            named.next().is_none().then(|| address.to_checksum(None))
        }
        Kind::Time if !typed.bytes().all(|b| b.is_ascii_digit()) => seconds(typed).map(|at| at.to_string()),
        Kind::Amount => units(typed, config),
        _ => None,
    }
}

/// Unix seconds of a date, or of a date with a time; UTC where it names no offset.
fn seconds(typed: &str) -> Option<i64> {
    if let Ok(at) = typed.parse::<Timestamp>() {
        return Some(at.as_second());
    }
    let at = typed.parse::<DateTime>().ok()?.to_zoned(TimeZone::UTC).ok()?;
    Some(at.timestamp().as_second())
}

/// Atomic units of tokens: with the symbol of one that is known, or with a point where only one is.
fn units(typed: &str, config: &Config) -> Option<String> {
    let number = typed.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let symbol = typed.get(number.len()..)?;
    let number = number.trim_end();
    let label = match (symbol, &*config.assets) {
        ("", [only]) if number.contains('.') => only,
        ("", _) => return None,
        (symbol, labels) => labels.iter().find(|label| label.symbol.eq_ignore_ascii_case(symbol))?,
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let whole = whole.replace(',', "");
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let places = usize::from(label.decimals);
    if whole.is_empty() || !digits(&whole) || !digits(fraction) || fraction.len() > places {
        return None;
    }
    let all = format!("{whole}{fraction:0<places$}");
    let all = all.trim_start_matches('0');
    Some(if all.is_empty() { "0".to_owned() } else { all.to_owned() })
}

/// As a field of a form shows it again.
pub(super) fn shown(kind: Kind, value: &str) -> String {
    let at = || value.parse().ok().and_then(|at| Timestamp::from_second(at).ok());
    match kind {
        Kind::Time => at().map_or(value.to_owned(), |at| at.strftime("%Y-%m-%dT%H:%M:%S").to_string()),
        _ => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use alloy::primitives::Address;

    use super::*;
    use crate::AssetLabel;

    const FIELDS: [Field; 3] = [
        field("agent", "", Kind::Account),
        field("from", "", Kind::Time),
        field("min_amount", "", Kind::Amount),
    ];

    fn config() -> Config {
        let mut config = Config::new(1, "x");
        let usdc = AssetLabel { address: Address::ZERO, symbol: "USDC".into(), decimals: 6 };
        config.assets = vec![usdc];
        config.names.insert(Address::repeat_byte(0xaa), "research-agent".into());
        config
    }

    fn asked(query: &str) -> String {
        Words::of(query, &FIELDS, &config(), true).without(&[])
    }

    #[test]
    fn blanks_are_not_asked_and_strange_things_stay() {
        assert_eq!(asked("agent=&from=+&min_amount=&colour=blue"), "colour=blue");
        assert_eq!(
            asked("from=yesterday&min_amount=many&agent=nobody"),
            "from=yesterday&min_amount=many&agent=nobody"
        );
        assert_eq!(asked("from=1&from=2"), "from=1&from=2", "it is the API that refuses");
    }

    #[test]
    fn dates_are_utc_seconds() {
        assert_eq!(asked("from=2026-11-21"), "from=1795219200");
        assert_eq!(asked("from=2026-11-21T00:01"), "from=1795219260");
        assert_eq!(asked("from=2026-11-21T00:01:01"), "from=1795219261");
        assert_eq!(asked("from=2026-11-21T01:00:00%2B01:00"), "from=1795219200");
        assert_eq!(asked("from=1795219200"), "from=1795219200");
        assert_eq!(shown(Kind::Time, "1795219261"), "2026-11-21T00:01:01");
    }

    #[test]
    fn tokens_are_told_from_units() {
        for (typed, units) in [
            ("1500000", "1500000"),
            ("1.5", "1500000"),
            ("0.000001", "1"),
            ("2+USDC", "2000000"),
            ("1,000.50usdc", "1000500000"),
            ("0.0", "0"),
        ] {
            assert_eq!(asked(&format!("min_amount={typed}")), format!("min_amount={units}"), "{typed}");
        }
        for odd in ["0.0000001", "1.2.3", "2+EUR", "."] {
            assert_eq!(asked(&format!("min_amount={odd}")), format!("min_amount={odd}"));
        }
    }

    #[test]
    fn known_names_are_addresses() {
        assert_eq!(
            asked("agent=Research-Agent"),
            format!("agent={}", Address::repeat_byte(0xaa).to_checksum(None))
        );
        let words = Words::of("agent=Research-Agent", &FIELDS, &config(), false);
        assert_eq!(words.get("agent"), Some("Research-Agent"), "to who sees one treasury they are nobody's");
    }

    #[test]
    fn the_next_page_asks_the_same() {
        let words = Words::of("from=2026-11-21&cursor=aa", &FIELDS, &config(), true);
        assert_eq!(words.going_on("bb"), "from=1795219200&cursor=bb");
        assert_eq!(Words::default().going_on("bb"), "cursor=bb");
    }
}
