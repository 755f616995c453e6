//! What the demo prints, and its count of what did not come out as told.

use std::time::Instant;

/// The narrator.
#[derive(Debug)]
pub(crate) struct Story {
    chapter: usize,
    chapters: usize,
    held: usize,
    failed: Vec<String>,
    started: Instant,
}

impl Story {
    pub(crate) fn new(chapters: usize) -> Self {
        Self { chapter: 0, chapters, held: 0, failed: Vec::new(), started: Instant::now() }
    }

    /// Starts a chapter.
    pub(crate) fn chapter(&mut self, title: &str) {
        self.chapter += 1;
        let seconds = self.started.elapsed().as_secs();
        println!("\n[{}/{}] {title}   ({seconds} s)", self.chapter, self.chapters);
    }

    /// Explains, in a line.
    pub(crate) fn tell(&self, line: &str) {
        println!("      {line}");
    }

    /// A step that has to come out: `held` says whether it did.
    pub(crate) fn check(&mut self, held: bool, line: &str) {
        if held {
            self.held += 1;
            println!("   ok {line}");
        } else {
            self.failed.push(format!("[{}] {line}", self.chapter));
            println!(" FAIL {line}");
        }
    }

    /// Whether everything came out as told.
    pub(crate) fn end(&self) -> bool {
        let seconds = self.started.elapsed().as_secs();
        println!();
        if self.failed.is_empty() {
            println!("{} checks held, in {seconds} s", self.held);
            return true;
        }
        println!("{} checks held, {} did not:", self.held, self.failed.len());
        for line in &self.failed {
            println!("  {line}");
        }
        false
    }
}
