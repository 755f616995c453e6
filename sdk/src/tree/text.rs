//! A tree as text.

use super::{Answer, Branch, End, Leaf, Step, Tree, words};

impl Tree {
    /// The tree as text: one question a line, with the answer where it is a no. The same tree, the same text.
    pub fn to_text(&self) -> String {
        let mut lines = Lines::default();
        lines.plain(0, &clean(&self.title));
        lines.plain(0, words::LEGEND);
        lines.plain(0, "");
        lines.plain(0, words::OPENING);
        lines.branch(1, &self.opening, words::OPENED);
        lines.plain(0, "");
        lines.plain(0, words::PAYMENT);
        lines.branch(1, &self.payment, words::SETTLED);
        lines.render()
    }
}

/// A line: how deep, what stands on it, and what stands behind it in a column of its own.
#[derive(Default)]
struct Lines(Vec<(usize, String, String)>);

impl Lines {
    fn plain(&mut self, depth: usize, text: &str) {
        self.0.push((depth, text.to_owned(), String::new()));
    }

    fn branch(&mut self, depth: usize, branch: &Branch, allowed: &str) {
        for step in &branch.steps {
            let text = format!("{:<9}{}", words::kind(step.kind), step.question);
            self.0.push((depth, text, answer_to_no(step)));
        }
        match &branch.end {
            End::Allowed(leaf) => self.plain(depth, &format!("=> {}: {}", answer(leaf), allowed)),
            End::Carries(ways) => {
                self.plain(depth, words::CARRIES);
                for (carried, branch) in ways {
                    self.plain(depth + 1, words::carried(*carried));
                    self.branch(depth + 2, branch, allowed);
                }
            }
        }
    }

    fn render(&self) -> String {
        let indented = |depth: usize, text: &str| format!("{}{text}", "  ".repeat(depth));
        let asked = self.0.iter().filter(|(.., no)| !no.is_empty());
        let width = asked.map(|(depth, text, _)| indented(*depth, text).chars().count()).max().unwrap_or(0);
        let mut all = String::new();
        for (depth, text, no) in &self.0 {
            let text = indented(*depth, text);
            let line = if no.is_empty() { text } else { format!("{text:<width$}  {no}") };
            all.push_str(line.trim_end());
            all.push('\n');
        }
        all
    }
}

fn answer_to_no(step: &Step) -> String {
    let now = if step.broken_now { " (as things stand)" } else { "" };
    format!("no: {}{now}", answer(&step.no))
}

fn answer(leaf: &Leaf) -> &'static str {
    match leaf.answer {
        Answer::Allowed => "allowed",
        Answer::Refused(reason) => reason.code(),
    }
}

/// Names are somebody else's text: no control characters, and not without end.
pub(super) fn clean(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(200).collect()
}
