//! Metrics of any shape, as tables.

use super::html::{escape, number, table, title_case};
use super::plot::{Point, is_best, scatter};
use serde_json::{Map, Value};

/// A measured value as HTML: a table of rows for a list or an object of objects, with a plot where the rows have
/// `operations` and a return; a table of fields for any other object. Empty for nothing.
pub(super) fn part(value: &Value) -> String {
    match value {
        Value::Array(rows) if rows.iter().any(Value::is_object) => {
            let rows: Vec<(String, &Map<String, Value>)> =
                rows.iter().filter_map(Value::as_object).map(|row| (String::new(), row)).collect();
            rows_part(&rows)
        }
        Value::Object(fields) if !fields.is_empty() && fields.values().all(Value::is_object) => {
            let rows: Vec<(String, &Map<String, Value>)> =
                fields.iter().filter_map(|(name, row)| Some((title_case(name), row.as_object()?))).collect();
            rows_part(&rows)
        }
        Value::Object(fields) => {
            let (nested, flat): (Vec<_>, Vec<_>) = fields.iter().partition(|(_, value)| part_of_its_own(value));
            let rows: Vec<Vec<String>> = flat
                .into_iter()
                .filter(|(_, value)| is_shown(value))
                .map(|(name, value)| vec![escape(&title_case(name)), cell(value)])
                .collect();
            let mut text = if rows.is_empty() { String::new() } else { table(&[String::new(), String::new()], &rows) };
            for (name, value) in nested {
                text += &format!("<h3>{}</h3>\n{}", escape(&title_case(name)), part(value));
            }
            text
        }
        _ => String::new(),
    }
}

fn part_of_its_own(value: &Value) -> bool {
    match value {
        Value::Array(rows) => rows.iter().any(Value::is_object),
        Value::Object(fields) => !is_interval(fields),
        _ => false,
    }
}

fn rows_part(rows: &[(String, &Map<String, Value>)]) -> String {
    let mut columns: Vec<&String> = Vec::new();
    for (_, row) in rows {
        // A formula as text is as wide as a page.
        columns.extend(row.keys().filter(|key| *key != "text" && is_shown(&row[*key])));
    }
    let mut seen = std::collections::BTreeSet::new();
    columns.retain(|column| seen.insert(*column));
    let rank = |column: &str| match column {
        "name" | "policy" | "student" | "parameter" => 0,
        _ => 1,
    };
    columns.sort_by_key(|column| rank(column));
    let named = rows.iter().any(|(name, _)| !name.is_empty());
    let mut head: Vec<String> = columns.iter().map(|column| escape(&title_case(column))).collect();
    if named {
        head.insert(0, String::new());
    }
    let cells = |(name, row): &(String, &Map<String, Value>)| {
        let name = named.then(|| escape(name));
        // What has a role was chosen among the others.
        let is_chosen = row.get("roles").and_then(Value::as_array).is_some_and(|roles| !roles.is_empty());
        let shown = |value: &Value| if is_chosen { format!("<strong>{}</strong>", cell(value)) } else { cell(value) };
        let values = columns.iter().map(|column| row.get(*column).map_or_else(String::new, shown));
        name.into_iter().chain(values).collect::<Vec<_>>()
    };
    let rows_html: Vec<Vec<String>> = rows.iter().map(cells).collect();
    plot(rows) + &table(&head, &rows_html)
}

/// Return against operations, where at least two rows have both.
fn plot(rows: &[(String, &Map<String, Value>)]) -> String {
    let measures = ["interquartile_mean", "mean", "mean_return", "return", "agreement"];
    let Some(measure) =
        measures.into_iter().find(|name| rows.iter().any(|(_, row)| row.get(*name).is_some_and(Value::is_number)))
    else {
        return String::new();
    };
    let mut points: Vec<Point> = rows
        .iter()
        .filter_map(|(name, row)| {
            let own = ["name", "policy", "student", "kind"].into_iter().find_map(|key| row.get(key)?.as_str());
            let name = own.unwrap_or(name).to_owned();
            Some(Point { name, x: row.get("operations")?.as_f64()?, y: row.get(measure)?.as_f64()?, best: true })
        })
        .collect();
    if points.len() < 2 {
        return String::new();
    }
    let places: Vec<(f64, f64)> = points.iter().map(|point| (point.x, point.y)).collect();
    for point in &mut points {
        point.best = is_best((point.x, point.y), &places);
    }
    let label = match measure {
        "agreement" => measure.to_owned(),
        _ => format!("return ({})", title_case(measure).to_lowercase()),
    };
    format!("<figure class=\"plot\">{}</figure>\n", scatter(&points, "operations", &label))
}

/// Long lists, such as every episode's return, are not.
fn is_shown(value: &Value) -> bool {
    match value {
        Value::Array(values) => values.len() <= 4 && values.iter().all(|value| !value.is_object()),
        Value::Object(fields) => is_interval(fields),
        Value::Null => false,
        _ => true,
    }
}

fn is_interval(fields: &Map<String, Value>) -> bool {
    fields.len() == 2 && fields.contains_key("low") && fields.contains_key("high")
}

fn cell(value: &Value) -> String {
    match value {
        Value::Number(value) => value.as_f64().map_or_else(String::new, number),
        Value::String(text) => escape(text),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Array(values) => format!("[{}]", values.iter().map(cell).collect::<Vec<_>>().join(", ")),
        Value::Object(fields) => format!("[{}, {}]", cell(&fields["low"]), cell(&fields["high"])),
        Value::Null => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::part;
    use serde_json::json;

    #[test]
    fn rows_become_a_table_and_a_plot() {
        let value = json!([
            { "name": "linear", "operations": 8, "mean": 480.0, "episodes": [1, 2, 3, 4, 5] },
            { "name": "kan", "operations": 21, "mean": 500.0, "interval": { "low": 499.0, "high": 500.0 } },
        ]);
        let html = part(&value);
        assert!(html.contains("<svg") && html.contains("<th>Operations</th>") && html.contains("[499, 500]"), "{html}");
        assert!(!html.contains("Episodes"), "{html}");
    }

    #[test]
    fn a_row_that_was_chosen_stands_out() {
        let html = part(&json!([{ "name": "linear", "roles": ["headline"] }, { "name": "kan", "roles": [] }]));
        assert!(html.contains("<td><strong>linear</strong></td>") && html.contains("<td>kan</td>"), "{html}");
    }

    #[test]
    fn objects_become_tables_of_fields() {
        let html = part(&json!({ "length": { "0.5": 500.0 }, "tolerance": 0.1 }));
        assert!(html.contains("<h3>Length</h3>") && html.contains("<td>Tolerance</td><td>0.1000</td>"), "{html}");
        assert_eq!(part(&json!(null)), "");
        assert_eq!(part(&json!([1, 2])), "");
    }
}
