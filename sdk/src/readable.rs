//! How numbers read for people. Digits in, text out: nothing is rounded.

/// Digits in groups of three.
pub fn grouped(digits: &str) -> String {
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i != 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Atomic units as people read them: at least two decimals, and no more than say something.
pub fn decimal(units: &str, decimals: u8) -> String {
    if decimals == 0 {
        return grouped(units);
    }
    let digits = format!("{units:0>width$}", width = usize::from(decimals) + 1);
    let (whole, fraction) = digits.split_at(digits.len() - usize::from(decimals));
    let fraction = fraction.trim_end_matches('0');
    format!("{}.{:0<2}", grouped(whole), fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_read_like_money() {
        for (units, text) in [
            ("0", "0.00"),
            ("1", "0.000001"),
            ("50000", "0.05"),
            ("1500000", "1.50"),
            ("1234567890000", "1,234,567.89"),
        ] {
            assert_eq!(decimal(units, 6), text);
        }
        assert_eq!(decimal("1234", 0), "1,234");
    }
}
