//! How times and amounts read for people.

use jiff::Timestamp;

fn stamp(seconds: u64) -> Option<Timestamp> {
    i64::try_from(seconds).ok().and_then(|seconds| Timestamp::from_second(seconds).ok())
}

/// `2026-11-21`, UTC.
pub(crate) fn day(seconds: u64) -> String {
    stamp(seconds).map_or_else(String::new, |at| at.strftime("%Y-%m-%d").to_string())
}

/// `2026-11-21 15:17:00`, UTC.
pub(crate) fn moment(seconds: u64) -> String {
    stamp(seconds).map_or_else(|| seconds.to_string(), |at| at.strftime("%Y-%m-%d %H:%M:%S").to_string())
}

/// RFC 3339.
pub(crate) fn machine(seconds: u64) -> String {
    stamp(seconds).map_or_else(String::new, |at| at.to_string())
}

/// Millionths as a percentage with two decimals, rounded down.
pub(crate) fn percent(ppm: &str) -> String {
    format!("{} %", decimal_exact(ppm, 4))
}

fn decimal_exact(digits: &str, decimals: usize) -> String {
    let digits = format!("{digits:0>width$}", width = decimals + 1);
    let (whole, fraction) = digits.split_at(digits.len() - decimals);
    format!("{whole}.{}", fraction.get(..2).unwrap_or_default())
}

/// What people call a window of that many seconds.
pub(crate) fn window(period: u32) -> String {
    match period {
        0 => "lifetime".into(),
        3_600 => "hour".into(),
        86_400 => "day".into(),
        604_800 => "week".into(),
        other => format!("{other} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_and_times_read_like_what_they_are() {
        assert_eq!(percent("1000000"), "100.00 %");
        assert_eq!(percent("999999"), "99.99 %");
        assert_eq!(percent("0"), "0.00 %");
        assert_eq!(
            (day(1_795_219_200), moment(1_795_219_200)),
            ("2026-11-21".into(), "2026-11-21 00:00:00".into())
        );
    }
}
