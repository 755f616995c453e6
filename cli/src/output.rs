//! What commands print: lines for people, JSON for scripts.

use anyhow::Result;
use serde_json::Value;

/// How to print.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    /// One JSON document instead of lines.
    pub(crate) json: bool,
}

impl Output {
    /// Prints a result: `value` for scripts, `lines` for people.
    pub(crate) fn done(self, value: &Value, lines: &[String]) -> Result<()> {
        if self.json {
            println!("{}", serde_json::to_string_pretty(value)?);
        } else {
            for line in lines {
                println!("{line}");
            }
        }
        Ok(())
    }
}

/// A token amount as people read it: `atomic` units with six decimals, for tokens like USDC.
pub(crate) fn usdc(atomic: &str) -> String {
    let digits = format!("{atomic:0>7}");
    let (whole, fraction) = digits.split_at(digits.len() - 6);
    let fraction = fraction.trim_end_matches('0');
    if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction:0<2}") }
}

/// Rows under headings, columns as wide as their widest cell; the last column is left as it is.
pub(crate) fn table(headings: &[&str], rows: &[Vec<String>]) -> Vec<String> {
    let mut widths: Vec<usize> = headings.iter().map(|h| h.chars().count()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: Vec<&str>| {
        let padded = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        format!("  {}", padded.collect::<Vec<_>>().join("  ").trim_end())
    };
    let mut lines = vec![line(headings.to_vec())];
    lines.extend(rows.iter().map(|row| line(row.iter().map(String::as_str).collect())));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_read_like_money() {
        for (atomic, text) in
            [("0", "0"), ("1", "0.000001"), ("10000", "0.01"), ("2500000", "2.50"), ("1000000000", "1000")]
        {
            assert_eq!(usdc(atomic), text);
        }
    }
}
