//! The static site, from what lies in the repository: the table of results, a page for each result of the gallery, the guide, and,
//! where it is asked for, the documentation of the API. It loads nothing from elsewhere.

use crate::shell::{root, run};
use flate2::read::GzDecoder;
use pulldown_cmark::{Options, Parser, html};
use serde_json::Value;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Makes the site in `target/site`.
///
/// # Errors
/// In words.
pub fn make(with_api: bool) -> Result<(), String> {
    let site = root().join("target/site");
    if site.exists() {
        fs::remove_dir_all(&site).map_err(|error| said(&site, &error))?;
    }
    copy_files(&root().join("crates/studio/assets"), &site.join("assets"), |name| {
        name != "index.html" && name != "app.js"
    })?;
    let results = results()?;
    for (id, data) in &results {
        let content = format!(
            "<div id=\"page\"></div><script type=\"application/json\" id=\"frozen\">{}</script>\
             <script type=\"module\" src=\"../assets/site.js\"></script>",
            data.replace("</", "<\\/")
        );
        write(&site.join(format!("results/{id}.html")), &page(id, "../", &content))?;
    }
    let guide = guide(&site)?;
    write(&site.join("index.html"), &page("Trained policies as formulas", "", &first_page(&results, &guide)?))?;
    if with_api {
        run("cargo", &["doc", "--workspace", "--no-deps", "--all-features"])?;
        copy_folder(&root().join("target/doc"), &site.join("api"))?;
    }
    check(&site)?;
    println!("{}", site.join("index.html").display());
    Ok(())
}

/// Environments with what the gallery has of them.
fn results() -> Result<Vec<(String, String)>, String> {
    let folder = root().join("crates/studio/gallery");
    let mut names: Vec<PathBuf> =
        fs::read_dir(&folder).map_err(|error| said(&folder, &error))?.flatten().map(|entry| entry.path()).collect();
    names.sort();
    let read = |path: &PathBuf| {
        let name = path.file_name()?.to_str()?.strip_suffix(".json.gz")?.to_owned();
        Some((path, name))
    };
    let unpacked = |(path, name): (&PathBuf, String)| {
        let mut text = String::new();
        let file = fs::File::open(path).map_err(|error| said(path, &error))?;
        GzDecoder::new(file).read_to_string(&mut text).map_err(|error| said(path, &error))?;
        Ok((name, text))
    };
    names.iter().filter_map(read).map(unpacked).collect()
}

fn first_page(results: &[(String, String)], guide: &[(String, String)]) -> Result<String, String> {
    let card = |(id, data): &(String, String)| {
        let data: Value = serde_json::from_str(data).unwrap_or_default();
        let metrics = &data["detail"]["metrics"];
        let number = |value: &Value| {
            value.as_f64().map_or_else(|| "–".to_owned(), |value| format!("{value:.1}").replace('-', "−"))
        };
        format!(
            "<a class=\"result\" href=\"results/{id}.html\"><canvas class=\"thumbnail\" data-environment=\"{id}\" aria-hidden=\"true\"></canvas>\
             <div><b>{id}</b><span class=\"soft small\">return {}, expert {}</span><span class=\"soft small\">{} operations</span></div></a>\n",
            number(&metrics["returns"]["headline"]["mean"]),
            number(&metrics["returns"]["expert"]["mean"]),
            metrics["formulas"]["headline"]["operations"],
        )
    };
    let cards: String = results.iter().map(card).collect();
    let table = fs::read_to_string(root().join("docs/results.md")).map_err(|error| error.to_string())?;
    let table = markdown(table.trim_start_matches("# Results"))
        .replace("<table>", "<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"Results\"><table>")
        .replace("</table>", "</table></div>");
    let chapters: String =
        guide.iter().map(|(file, title)| format!("<li><a href=\"guide/{file}\">{title}</a></li>")).collect();
    Ok(format!(
        "<h1>Trained policies as formulas</h1>\n<p class=\"lead\">kanrl turns a trained reinforcement-learning policy into a formula that a \
         person can read, check, and ship. Open a result: move its constants, and watch at once how it plays.</p>\n\
         <section class=\"gallery\" aria-label=\"Results to play with\"><div>{cards}</div></section>\n\
         <section class=\"card\"><h2>All results</h2>{table}</section>\n\
         <section class=\"card\"><h2>The guide</h2><ul>{chapters}</ul></section>\n\
         <script type=\"module\" src=\"assets/site.js\"></script>"
    ))
}

/// The guide's chapters as pages; their files and titles, in order.
fn guide(site: &Path) -> Result<Vec<(String, String)>, String> {
    let source = root().join("docs/guide/src");
    let summary = fs::read_to_string(source.join("SUMMARY.md")).map_err(|error| error.to_string())?;
    let mut chapters = Vec::new();
    for line in summary.lines() {
        let Some((title, rest)) = line.split_once('[').and_then(|(_, rest)| rest.split_once("](")) else { continue };
        let Some(file) = rest.split(')').next().filter(|file| file.ends_with(".md")) else { continue };
        let text = fs::read_to_string(source.join(file)).map_err(|error| said(&source.join(file), &error))?;
        let name = file.replace(".md", ".html");
        let body = markdown(&with_includes(&text, &source)?).replace(".md\"", ".html\"").replace(".md#", ".html#");
        write(
            &site.join("guide").join(&name),
            &page(title, "../", &format!("<article class=\"prose\">{body}</article>")),
        )?;
        chapters.push((name, title.to_owned()));
    }
    Ok(chapters)
}

/// Text with `{{#include FILE}}` and `{{#include FILE:ANCHOR}}` replaced by what they name.
fn with_includes(text: &str, folder: &Path) -> Result<String, String> {
    let mut done = String::new();
    for line in text.lines() {
        let Some(wanted) = line.trim().strip_prefix("{{#include ").and_then(|rest| rest.strip_suffix("}}")) else {
            done += line;
            done.push('\n');
            continue;
        };
        let (file, anchor) = wanted.split_once(':').unwrap_or((wanted, ""));
        let path = folder.join(file.trim());
        let content = fs::read_to_string(&path).map_err(|error| said(&path, &error))?;
        let is_mark = |line: &&str| line.contains("ANCHOR: ") || line.contains("ANCHOR_END: ");
        let (begin, end) = (format!("ANCHOR: {anchor}"), format!("ANCHOR_END: {anchor}"));
        let part: Vec<&str> = match anchor {
            "" => content.lines().collect(),
            _ => content
                .lines()
                .skip_while(|line| !line.contains(&begin))
                .take_while(|line| !line.contains(&end))
                .collect(),
        };
        for line in part.into_iter().filter(|line| !is_mark(line)) {
            done += line;
            done.push('\n');
        }
    }
    Ok(done)
}

fn markdown(text: &str) -> String {
    let mut made = String::new();
    html::push_html(&mut made, Parser::new_ext(text, Options::ENABLE_TABLES));
    made
}

fn page(title: &str, up: &str, content: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title} – kanrl</title>\n\
         <link rel=\"icon\" href=\"{up}assets/icon.svg\">\n<link rel=\"stylesheet\" href=\"{up}assets/style.css\">\n</head>\n<body>\n\
         <a class=\"skip\" href=\"#main\">Skip to the content</a>\n\
         <header class=\"top\">\n<a class=\"brand\" href=\"{up}index.html\"><img src=\"{up}assets/icon.svg\" alt=\"\" width=\"26\" \
         height=\"26\">kanrl</a>\n<nav aria-label=\"Pages\"><a href=\"{up}index.html\">Results</a><a href=\"{up}guide/first.html\">Guide</a></nav>\n\
         </header>\n<main id=\"main\" tabindex=\"-1\">\n{content}\n</main>\n\
         <div id=\"announcer\" class=\"hidden\" aria-live=\"polite\"></div>\n</body>\n</html>\n"
    )
}

/// Every link that stays on the site leads somewhere, and nothing is loaded from elsewhere.
fn check(site: &Path) -> Result<(), String> {
    let mut pages = Vec::new();
    for folder in [site.to_owned(), site.join("results"), site.join("guide")] {
        let entries = fs::read_dir(&folder).map_err(|error| said(&folder, &error))?;
        pages.extend(
            entries
                .flatten()
                .map(|entry| entry.path())
                .filter(|path| path.extension().is_some_and(|kind| kind == "html")),
        );
    }
    for path in pages {
        let text = fs::read_to_string(&path).map_err(|error| said(&path, &error))?;
        for kind in ["src=\"", "href=\""] {
            for target in text.split(kind).skip(1).filter_map(|rest| rest.split('"').next()) {
                let is_outside = target.contains("://") || target.starts_with("mailto:");
                if is_outside && kind == "src=\"" {
                    return Err(format!("{} loads {target}", path.display()));
                }
                let file = target.split('#').next().unwrap_or_default();
                // The guide also links to what lies in the repository.
                let leads_out = file.contains("../../") || file.starts_with("../docs");
                if !is_outside && !leads_out && !file.is_empty() && !path.with_file_name("").join(file).exists() {
                    return Err(format!("{} links to {target}, which is not there", path.display()));
                }
            }
        }
    }
    Ok(())
}

fn copy_files(from: &Path, to: &Path, wanted: impl Fn(&str) -> bool) -> Result<(), String> {
    fs::create_dir_all(to).map_err(|error| said(to, &error))?;
    for entry in fs::read_dir(from).map_err(|error| said(from, &error))?.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_file() && wanted(&name) {
            fs::copy(entry.path(), to.join(&name)).map_err(|error| said(&entry.path(), &error))?;
        }
    }
    Ok(())
}

fn copy_folder(from: &Path, to: &Path) -> Result<(), String> {
    copy_files(from, to, |_| true)?;
    for entry in fs::read_dir(from).map_err(|error| said(from, &error))?.flatten().filter(|entry| entry.path().is_dir())
    {
        copy_folder(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder).and_then(|()| fs::write(path, text)).map_err(|error| said(path, &error))
}

fn said(path: &Path, error: &std::io::Error) -> String {
    format!("{}: {error}", path.display())
}
