//! Cells that spreadsheets take for text, whatever is in them.

use std::borrow::Cow;

/// What makes a spreadsheet take a cell for a formula, where it comes first.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];
const GUARD: char = '\'';

/// A cell that no spreadsheet evaluates: with an apostrophe before what would be a formula, or what begins with one
/// itself, so that it can be taken away again.
pub fn guarded(cell: &str) -> Cow<'_, str> {
    if needs_guard(cell) { Cow::Owned(format!("{GUARD}{cell}")) } else { Cow::Borrowed(cell) }
}

/// The cell as it was before [`guarded`].
pub fn unguarded(cell: &str) -> &str {
    match cell.strip_prefix(GUARD) {
        Some(rest) if needs_guard(rest) => rest,
        _ => cell,
    }
}

fn needs_guard(cell: &str) -> bool {
    cell.starts_with(FORMULA) || cell.starts_with(GUARD)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn formulas_are_text() {
        for formula in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "=HYPERLINK(\"x\")"] {
            assert!(guarded(formula).starts_with('\''), "{formula:?} is a formula");
        }
        for text in ["", "0x12", "1500000", "a=b", " =1"] {
            assert_eq!(guarded(text), text);
        }
    }

    proptest! {
        #[test]
        fn the_guard_can_be_taken_away(cell in "['=+@\\-\t\r]{0,3}.{0,20}") {
            let safe = guarded(&cell).into_owned();
            prop_assert!(!safe.starts_with(FORMULA));
            prop_assert_eq!(unguarded(&safe), cell);
        }
    }
}
