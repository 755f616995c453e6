//! What is wrong with a plan: that it reads all of a table that grows with the chain, or sorts what it has found.

/// Tables with a row for every payment, or for every question, or more.
pub const LARGE: [&str; 11] = [
    "payment",
    "decision",
    "outcome",
    "settlement",
    "event",
    "intake",
    "score_history",
    "alert",
    "outbox",
    "access",
    "undecoded",
];

/// What a statement's plan does that it must not; nothing where it is well.
///
/// A list without a filter walks its table in the list's own order and stops after a page: that is no scan.
pub fn wrong(sql: &str, plan: &[String]) -> Option<String> {
    let bounded = sql.contains(" LIMIT ");
    let names = plan.iter().filter_map(|line| {
        let (_, rest) = line.split_once("SEARCH ").or_else(|| line.split_once("SCAN "))?;
        Some(rest)
    });
    // Where all that is found is few, sorting it is no matter.
    let many = names.into_iter().any(|rest| is_large(sql, rest));
    plan.iter().find_map(|line| {
        let step = line.trim_start_matches([' ', '-', '>']);
        let scanned =
            step.strip_prefix("Seq Scan on ").or_else(|| step.strip_prefix("Parallel Seq Scan on "));
        let whole = scanned.is_some_and(|rest| is_large(sql, rest) && is_dear(rest));
        let walked = step.strip_prefix("SCAN ").is_some_and(|rest| is_large(sql, rest) && !bounded);
        let sorted = many && step.contains("TEMP B-TREE FOR ORDER BY");
        (whole || walked || sorted).then(|| step.to_owned())
    })
}

/// What PostgreSQL thinks reading a small table takes at most. It reads those as a whole, whatever indexes they have.
const CHEAP: u64 = 1_000;

/// Whether PostgreSQL says that the step takes long: `(cost=FROM..TO rows=… width=…)`.
fn is_dear(rest: &str) -> bool {
    let cost = rest.split_once("..").and_then(|(_, cost)| cost.split('.').next());
    cost.and_then(|cost| cost.parse::<u64>().ok()).is_none_or(|cost| cost > CHEAP)
}

/// Whether it is a large table that the plan calls so: by name, or as the statement does. A part of one is called by the name of
/// the whole and where it begins.
fn is_large(sql: &str, rest: &str) -> bool {
    let name = rest.split_whitespace().next().unwrap_or_default();
    let name = name.split_once("_from_").map_or(name, |(whole, _)| whole).trim_end_matches("_before");
    LARGE.iter().any(|table| {
        let called = [format!("FROM {table} {name} "), format!("JOIN {table} {name} ")];
        name == *table || called.iter().any(|words| format!("{sql} ").contains(words.as_str()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(plan: &[&str]) -> Vec<String> {
        plan.iter().map(|line| (*line).to_owned()).collect()
    }

    #[test]
    fn a_large_table_is_not_read_to_its_end_under_any_name() {
        let count = "SELECT count(*) FROM decision d WHERE verdict = 'denied'";
        assert!(wrong(count, &lines(&["SCAN d USING COVERING INDEX decision_refused"])).is_some());
        assert!(wrong(count, &lines(&["SEARCH d USING INDEX decision_by_verdict (verdict=?)"])).is_none());
        let few = "SELECT * FROM treasury d";
        assert!(wrong(few, &lines(&["SCAN d"])).is_none(), "there are few of them");
        let page = "SELECT * FROM payment p ORDER BY p.block_number DESC LIMIT $1";
        assert!(wrong(page, &lines(&["SCAN p"])).is_none(), "it stops after a page");
        assert!(wrong(page, &lines(&["SCAN p", "USE TEMP B-TREE FOR ORDER BY"])).is_some());
        let read = |cost: &str| format!("  ->  Seq Scan on payment p  (cost=0.00..{cost} rows=9 width=401)");
        assert!(wrong(page, &["Limit".to_owned(), read("1001.00")]).is_some());
        assert!(wrong(page, &["Limit".to_owned(), read("1000.99")]).is_none(), "it is small");
        for part in ["settlement_from_1500000", "settlement_before"] {
            let read = format!("        ->  Seq Scan on {part} s_1  (cost=0.00..5000.00 rows=9 width=401)");
            assert!(wrong(page, &[read]).is_some(), "{part} is a part of a large table");
        }
        assert!(
            wrong(page, &lines(&["  ->  Index Scan Backward using payment_pkey on payment p"])).is_none()
        );
    }
}
