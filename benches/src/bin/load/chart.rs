//! Small bar charts, one for each setting, all on one scale.

use std::fmt::Write as _;

pub(crate) struct Panel {
    pub(crate) title: String,
    pub(crate) points: Vec<Point>,
}

pub(crate) struct Point {
    pub(crate) label: String,
    pub(crate) value: f64,
    /// It is what a dispatcher does when nobody sets anything.
    pub(crate) is_default: bool,
}

const COLUMNS: usize = 2;
const WIDTH: f64 = 400.0;
const HEIGHT: f64 = 210.0;
/// Room beside and around the bars.
const LEFT: f64 = 48.0;
const TOP: f64 = 36.0;
const BOTTOM: f64 = 28.0;
/// Room for the legend below all of them.
const LEGEND: f64 = 24.0;

/// All panels as one picture that reads on a light and on a dark page.
pub(crate) fn svg(unit: &str, panels: &[Panel]) -> String {
    let values = panels.iter().flat_map(|panel| &panel.points).map(|point| point.value);
    let top = nice(values.fold(0.0, f64::max));
    let rows = panels.len().div_ceil(COLUMNS);
    let (width, height) = (WIDTH * COLUMNS as f64, HEIGHT * rows as f64 + LEGEND);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" \
         font-size=\"11\" role=\"img\" aria-label=\"{unit} by setting\">\n\
         <style>text{{fill:#555}}.t{{font-weight:bold}}.b{{fill:#8fb8c9}}.d{{fill:#1f6f8f}}.g{{stroke:#999;stroke-opacity:.4}}\
         @media(prefers-color-scheme:dark){{text{{fill:#bbb}}.b{{fill:#4d7384}}.d{{fill:#6cc0e0}}}}</style>\n"
    );
    for (index, panel) in panels.iter().enumerate() {
        let x = WIDTH * (index % COLUMNS) as f64;
        let y = HEIGHT * (index / COLUMNS) as f64;
        // Writing to a string cannot fail.
        write!(svg, "<g transform=\"translate({x} {y})\">").ok();
        draw(&mut svg, unit, panel, top);
        svg.push_str("</g>\n");
    }
    let y = HEIGHT * rows as f64;
    writeln!(svg, "<rect class=\"d\" x=\"{LEFT}\" y=\"{:.0}\" width=\"11\" height=\"11\"/>", y + 5.0).ok();
    writeln!(svg, "<text x=\"{:.0}\" y=\"{:.0}\">the default</text>", LEFT + 17.0, y + 14.0).ok();
    svg.push_str("</svg>\n");
    svg
}

fn draw(svg: &mut String, unit: &str, panel: &Panel, top: f64) {
    let (inner, base) = (WIDTH - LEFT - 12.0, HEIGHT - BOTTOM);
    writeln!(svg, "<text class=\"t\" x=\"{LEFT}\" y=\"14\">{}</text>", escaped(&panel.title)).ok();
    writeln!(svg, "<text x=\"{LEFT}\" y=\"27\">{unit}</text>").ok();
    for step in 0..=4 {
        let value = top * f64::from(step) / 4.0;
        let y = base - (base - TOP) * f64::from(step) / 4.0;
        writeln!(
            svg,
            "<line class=\"g\" x1=\"{LEFT}\" x2=\"{:.0}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>",
            LEFT + inner
        )
        .ok();
        writeln!(
            svg,
            "<text x=\"{:.0}\" y=\"{:.1}\" text-anchor=\"end\">{value:.0}</text>",
            LEFT - 4.0,
            y + 4.0
        )
        .ok();
    }
    let slot = inner / panel.points.len().max(1) as f64;
    for (index, point) in panel.points.iter().enumerate() {
        let tall = (base - TOP) * point.value / top;
        let x = LEFT + slot * (index as f64 + 0.2);
        let middle = x + slot * 0.3;
        writeln!(
            svg,
            "<rect class=\"{}\" x=\"{x:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{tall:.1}\"/>",
            if point.is_default { "d" } else { "b" },
            base - tall,
            slot * 0.6
        )
        .ok();
        writeln!(
            svg,
            "<text x=\"{middle:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{:.0}</text>",
            base - tall - 3.0,
            point.value
        )
        .ok();
        writeln!(
            svg,
            "<text x=\"{middle:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            base + 14.0,
            escaped(&point.label)
        )
        .ok();
    }
}

/// The next round number: 1, 2, 2.5 or 5 times a power of ten.
fn nice(value: f64) -> f64 {
    let power = 10_f64.powf(value.max(1.0).log10().floor());
    [1.0, 2.0, 2.5, 5.0, 10.0]
        .into_iter()
        .map(|step| step * power)
        .find(|step| value <= *step)
        .unwrap_or(value)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_ends_at_a_round_number_above_the_tallest_bar() {
        assert!((nice(28_400.0) - 50_000.0).abs() < 1e-6);
        assert!((nice(24_000.0) - 25_000.0).abs() < 1e-6);
        assert!((nice(0.0) - 1.0).abs() < 1e-6);
    }
}
