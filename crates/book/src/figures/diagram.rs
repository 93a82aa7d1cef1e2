//! Boxes, lines and words as SVG, on a background of their own, so that they are read in a light
//! page and in a dark one.

use std::fmt::Write;

pub const PAPER: &str = "#FAFAFA";
pub const INK: &str = "#282828";
pub const FAINT: &str = "#D7D7D7";
pub const GREY: &str = "#969696";
/// Colours that most colour-blind people tell apart (M. Okabe and K. Ito, 2008).
pub const BLUE: &str = "#0072B2";
pub const ORANGE: &str = "#D55E00";
pub const GREEN: &str = "#009E73";
pub const PINK: &str = "#CC79A7";

/// The place of a text beside its point.
#[derive(Clone, Copy)]
pub enum Anchor {
    Start,
    Middle,
    End,
}

/// An SVG in the making.
pub struct Diagram {
    text: String,
}

impl Diagram {
    /// An empty picture; `about` is its description for screen readers.
    pub fn new((width, height): (u32, u32), about: &str) -> Diagram {
        let about = escaped(about);
        let text = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" role=\"img\">\n\
             <title>{about}</title>\n\
             <rect width=\"{width}\" height=\"{height}\" fill=\"{PAPER}\"/>\n"
        );
        Diagram { text }
    }

    /// A filled rectangle with a thin border.
    pub fn rect(&mut self, (x, y): (f64, f64), (width, height): (f64, f64), fill: &str) {
        self.push(format!(
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" \
             fill=\"{fill}\" stroke=\"{INK}\" stroke-width=\"0.6\"/>"
        ));
    }

    /// A rectangle without a border, for charts.
    pub fn bar(&mut self, (x, y): (f64, f64), (width, height): (f64, f64), fill: &str) {
        self.push(format!(
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" \
             fill=\"{fill}\"/>"
        ));
    }

    /// A square without a border.
    pub fn square(&mut self, (x, y): (f64, f64), side: f64, fill: &str) {
        self.push(format!(
            "<rect x=\"{x}\" y=\"{y}\" width=\"{side}\" height=\"{side}\" fill=\"{fill}\"/>"
        ));
    }

    /// A rectangle without a border that jumps through `places`, one for each moment; the first is
    /// where it stands in print.
    pub fn moving(
        &mut self,
        places: &[(f64, f64)],
        (width, height): (f64, f64),
        fill: &str,
        seconds: f64,
    ) {
        let (x, y) = places[0];
        let list = |value: fn(&(f64, f64)) -> f64| {
            places.iter().map(|place| format!("{:.1}", value(place))).collect::<Vec<_>>().join(";")
        };
        let mut animation = String::new();
        for (attribute, values) in [("x", list(|place| place.0)), ("y", list(|place| place.1))] {
            let _ = write!(
                animation,
                "<animate attributeName=\"{attribute}\" values=\"{values}\" dur=\"{seconds}s\" \
                 calcMode=\"discrete\" repeatCount=\"indefinite\"/>"
            );
        }
        self.push(format!(
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" \
             fill=\"{fill}\">{animation}</rect>"
        ));
    }

    pub fn text(&mut self, (x, y): (f64, f64), anchor: Anchor, size: u32, text: &str) {
        self.coloured((x, y), anchor, size, INK, text);
    }

    pub fn coloured(
        &mut self,
        (x, y): (f64, f64),
        anchor: Anchor,
        size: u32,
        colour: &str,
        text: &str,
    ) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let text = escaped(text);
        self.push(format!(
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" \
             font-family=\"sans-serif\" font-size=\"{size}\" fill=\"{colour}\">{text}</text>"
        ));
    }

    /// A line through all points.
    pub fn line(&mut self, points: &[(f64, f64)], colour: &str, width: f64) {
        let points: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let points = points.join(" ");
        self.push(format!(
            "<polyline points=\"{points}\" fill=\"none\" \
             stroke=\"{colour}\" stroke-width=\"{width}\"/>"
        ));
    }

    /// A line with a head at its last point.
    pub fn arrow(&mut self, points: &[(f64, f64)], colour: &str) {
        self.line(points, colour, 1.6);
        if let [.., (x0, y0), (x1, y1)] = points {
            let length = (x1 - x0).hypot(y1 - y0);
            let (dx, dy) = ((x1 - x0) / length * 7.0, (y1 - y0) / length * 7.0);
            let wings = [
                (x1 - dx - dy / 2.0, y1 - dy + dx / 2.0),
                (x1 - dx + dy / 2.0, y1 - dy - dx / 2.0),
            ];
            let [a, b] = wings.map(|(x, y)| format!("{x:.1},{y:.1}"));
            self.push(format!("<polygon points=\"{x1:.1},{y1:.1} {a} {b}\" fill=\"{colour}\"/>"));
        }
    }

    pub fn finish(mut self) -> String {
        self.push("</svg>".to_owned());
        self.text
    }

    fn push(&mut self, element: String) {
        self.text.push_str(&element);
        self.text.push('\n');
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
