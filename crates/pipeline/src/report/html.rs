//! Pieces of HTML.

/// Text as HTML, in an element or an attribute.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// A page that needs nothing else.
pub(super) fn document(title: &str, body: &str, script: &str) -> String {
    let script = if script.is_empty() { String::new() } else { format!("<script>\n{script}</script>\n") };
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"generator\" content=\"kanrl {}\">\n<title>{}</title>\n\
         <style>\n{}</style>\n</head>\n<body>\n<main>\n{body}</main>\n{script}</body>\n</html>\n",
        env!("CARGO_PKG_VERSION"),
        escape(title),
        include_str!("page.css"),
    )
}

/// A part of the page.
pub(super) fn section(title: &str, content: &str) -> String {
    format!("<section>\n<h2>{}</h2>\n{content}\n</section>\n", escape(title))
}

/// A table that scrolls sideways where it is too wide; cells are HTML, the first column is text, the others numbers.
pub(super) fn table(head: &[String], rows: &[Vec<String>]) -> String {
    let cells = |tag: &str, row: &[String]| -> String {
        row.iter().map(|cell| format!("<{tag}>{cell}</{tag}>")).collect::<String>()
    };
    let rows: String = rows.iter().map(|row| format!("<tr>{}</tr>\n", cells("td", row))).collect();
    let head = cells("th", head);
    format!("<div class=\"wide\"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}</tbody>\n</table></div>\n")
}

/// `worst_5_percent` as `Worst 5 percent`.
pub(super) fn title_case(name: &str) -> String {
    let words = name.replace(['_', '-'], " ");
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// A measured number, to four significant digits where it is not whole.
pub(super) fn number(value: f64) -> String {
    if !value.is_finite() {
        return "–".to_owned();
    }
    let size = value.abs();
    let text = if size != 0.0 && !(1e-3..1e7).contains(&size) {
        format!("{value:.2e}")
    } else if value == value.trunc() {
        format!("{value:.0}")
    } else {
        let digits = (3.0 - size.log10().floor()).clamp(1.0, 6.0) as usize;
        format!("{value:.digits$}")
    };
    text.replace('-', "−")
}

/// A share of one, as a percentage.
pub(super) fn percent(share: f64) -> String {
    if share.is_finite() { format!("{:.1} %", share * 100.0).replace('-', "−") } else { "–".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::{escape, number, title_case};

    #[test]
    fn numbers_keep_four_digits() {
        let cases =
            [(500.0, "500"), (-110.1234, "−110.1"), (0.123_456, "0.1235"), (1e-9, "1.00e−9"), (3.456_78, "3.457")];
        for (value, text) in cases {
            assert_eq!(number(value), text);
        }
        assert_eq!(number(f64::NAN), "–");
    }

    #[test]
    fn text_cannot_leave_its_place() {
        assert_eq!(escape("<a href=\"&\">"), "&lt;a href=&quot;&amp;&quot;&gt;");
        assert_eq!(title_case("worst_5_percent"), "Worst 5 percent");
    }
}
