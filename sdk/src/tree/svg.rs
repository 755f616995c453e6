//! A tree as a picture.

use svg::{
    Document,
    node::element::{Group, Line, Rectangle, Style, Text, Title},
};

use super::{Answer, Branch, End, Leaf, Step, Tree, text::clean, words};

const WIDTH: usize = 1160;
const MARGIN: usize = 20;
const INDENT: usize = 24;
/// From one line to the next.
const ROW: usize = 32;
const BOX: usize = 24;
/// Where the answers to a no stand.
const LEAVES: usize = 840;
/// Beside the spine.
const GAP: usize = 16;

/// Readable in light and in dark: whoever shows the picture says which.
const STYLE: &str = "
svg { --ink: #1b1f24; --paper: #ffffff; --line: #8a939d; --trigger: #8a5a00; --limit: #0b5cad;
  --override: #8b2fa8; --proof: #57606a; --yes: #1a7f37; --no: #b42318; }
@media (prefers-color-scheme: dark) { svg { --ink: #e6e9ec; --paper: #14171a; --line: #6b747d; --trigger: #e0a63a;
  --limit: #6cb2f7; --override: #d08ae8; --proof: #a3adb7; --yes: #57c373; --no: #f2897f; } }
text { font: 13px ui-sans-serif, system-ui, sans-serif; fill: var(--ink); }
.head { font-weight: 600; font-size: 15px; }
.kind { font-size: 11px; font-weight: 600; }
.trigger { fill: var(--trigger); } .limit { fill: var(--limit); } .override { fill: var(--override); }
.proof { fill: var(--proof); }
.paper { fill: var(--paper); }
.box { fill: none; stroke: var(--line); }
.line { stroke: var(--line); }
.yes { stroke: var(--yes); } .no { stroke: var(--no); fill: none; } .now { stroke-width: 2.5; }
";

impl Tree {
    /// The tree as an SVG document, 1,160 pixels wide: questions down the page, the answer to a no beside each. The
    /// same tree, the same bytes.
    pub fn to_svg(&self) -> String {
        let mut page = Page { y: MARGIN, drawn: Group::new() };
        page.text(MARGIN, "head", &clean(&self.title));
        page.text(MARGIN, "", words::LEGEND);
        page.head(words::OPENING);
        page.branch(MARGIN, &self.opening, words::OPENED);
        page.head(words::PAYMENT);
        page.branch(MARGIN, &self.payment, words::SETTLED);
        let height = page.y + MARGIN;
        let paper = Rectangle::new().set("width", WIDTH).set("height", height).set("class", "paper");
        let document = Document::new()
            .set("viewBox", (0, 0, WIDTH, height))
            .set("role", "img")
            .add(Title::new(clean(&self.title)))
            .add(Style::new(STYLE))
            .add(paper)
            .add(page.drawn);
        format!("{document}\n")
    }
}

/// What is drawn so far, and how far down it goes.
struct Page {
    y: usize,
    drawn: Group,
}

impl Page {
    fn head(&mut self, text: &str) {
        self.y += ROW / 2;
        self.text(MARGIN, "head", text);
    }

    fn branch(&mut self, x: usize, branch: &Branch, allowed: &str) {
        let top = self.y;
        for step in &branch.steps {
            self.step(x, step);
        }
        match &branch.end {
            End::Allowed(leaf) => {
                self.spine(x, top, self.y + BOX / 2);
                let at = x + GAP;
                self.line(x, self.y + BOX / 2, at);
                self.leaf(at, leaf, "box yes", allowed);
                self.y += ROW;
            }
            End::Carries(ways) => {
                self.spine(x, top, self.y);
                self.text(x, "head", words::CARRIES);
                for (carried, branch) in ways {
                    self.text(x + INDENT, "", words::carried(*carried));
                    self.branch(x + INDENT, branch, allowed);
                }
            }
        }
    }

    /// A question beside the spine, and the answer to a no at the right.
    fn step(&mut self, x: usize, step: &Step) {
        let (at, middle) = (x + GAP, self.y + BOX / 2);
        self.line(x, middle, at);
        self.line(LEAVES - GAP, middle, LEAVES);
        self.rectangle(at, LEAVES - GAP - at, "box");
        self.write(at + 8, self.y, &format!("kind {}", words::kind(step.kind)), words::kind(step.kind));
        self.write(at + 70, self.y, "", &step.question);
        let class = if step.broken_now { "no now" } else { "no" };
        self.leaf(LEAVES, &step.no, class, "");
        self.y += ROW;
    }

    fn leaf(&mut self, x: usize, leaf: &Leaf, class: &str, what: &str) {
        let words = match leaf.answer {
            Answer::Allowed => format!("allowed: {what}"),
            Answer::Refused(reason) => reason.code().to_owned(),
        };
        self.rectangle(x, WIDTH - MARGIN - LEAVES, class);
        self.write(x + 8, self.y, "", &words);
    }

    fn text(&mut self, x: usize, class: &str, text: &str) {
        self.write(x, self.y, class, text);
        self.y += ROW;
    }

    fn write(&mut self, x: usize, y: usize, class: &str, text: &str) {
        let text = Text::new(text).set("x", x).set("y", y + BOX - 7).set("class", class);
        self.add(text);
    }

    fn rectangle(&mut self, x: usize, width: usize, class: &str) {
        let rectangle = Rectangle::new()
            .set("x", x)
            .set("y", self.y)
            .set("width", width)
            .set("height", BOX)
            .set("rx", 5)
            .set("class", class);
        self.add(rectangle);
    }

    fn spine(&mut self, x: usize, top: usize, bottom: usize) {
        let line =
            Line::new().set("x1", x).set("y1", top).set("x2", x).set("y2", bottom).set("class", "line");
        self.add(line);
    }

    fn line(&mut self, from: usize, y: usize, to: usize) {
        let line = Line::new().set("x1", from).set("y1", y).set("x2", to).set("y2", y).set("class", "line");
        self.add(line);
    }

    fn add(&mut self, node: impl Into<Box<dyn svg::node::Node>>) {
        let drawn = std::mem::replace(&mut self.drawn, Group::new());
        self.drawn = drawn.add(node);
    }
}
