//! Which pickled `VecNormalize` belongs to an archive.

use crate::ExpertError;
use std::path::{Path, PathBuf};

/// The pickle next to an archive, where there is one: `NAME.vecnormalize.pkl`, `vecnormalize.pkl` and `vec_normalize.pkl` beside
/// `NAME.zip` or in a folder `NAME`; else the only `*vec*normalize*.pkl` that belongs to no other archive of the folder.
///
/// # Errors
/// [`ExpertError::Malformed`] where several could be meant.
pub(super) fn beside(archive: &Path) -> Result<Option<PathBuf>, ExpertError> {
    let Some(stem) = archive.file_stem().and_then(|stem| stem.to_str()) else { return Ok(None) };
    let folder = archive.parent().unwrap_or(Path::new(""));
    let names = [format!("{stem}.vecnormalize.pkl"), "vecnormalize.pkl".to_owned(), "vec_normalize.pkl".to_owned()];
    let usual = names.iter().map(|name| folder.join(name));
    let below = names[1..].iter().map(|name| folder.join(stem).join(name));
    if let Some(path) = usual.chain(below).find(|path| path.is_file()) {
        return Ok(Some(path));
    }
    let mut files: Vec<String> = list(folder);
    files.sort();
    let stems: Vec<&str> = files.iter().filter_map(|name| name.strip_suffix(".zip")).collect();
    let pickles: Vec<(&String, String)> =
        files.iter().filter_map(|name| Some((name, without_normalization(name.strip_suffix(".pkl")?)?))).collect();
    let of_this = pickles.iter().filter(|(_, rest)| same(rest, stem)).collect::<Vec<_>>();
    let of_none = pickles.iter().filter(|(_, rest)| !stems.iter().any(|stem| same(rest, stem))).collect();
    let found: Vec<&(&String, String)> = if of_this.is_empty() { of_none } else { of_this };
    match found[..] {
        [] => Ok(None),
        [(name, _)] => Ok(Some(folder.join(name))),
        _ => {
            let names: Vec<String> = found.iter().map(|(name, _)| format!("`{name}`")).collect();
            let reason = format!(
                "could have been trained with any of {} next to it; choose one with --normalization FILE, or use --normalization none",
                names.join(", ")
            );
            Err(ExpertError::malformed(&archive.display().to_string(), reason))
        }
    }
}

/// Names of a folder's files; a folder that cannot be listed has none.
fn list(folder: &Path) -> Vec<String> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

/// `best_model` of `best_model_vec_normalize`, `model_500_steps` of `model_vecnormalize_500_steps`; `None` where the name has no
/// such part.
fn without_normalization(stem: &str) -> Option<String> {
    let lower = stem.to_ascii_lowercase();
    let start = lower.find("vec")?;
    let length = lower[start..].find("normali")?;
    let word = start + length;
    let end =
        word + lower[word..].find(|character: char| !character.is_ascii_alphabetic()).unwrap_or(lower.len() - word);
    Some(format!("{}{}", &stem[..start], &stem[end..]))
}

/// Whether two names differ by separators only.
fn same(first: &str, second: &str) -> bool {
    let letters = |name: &str| -> String { name.chars().filter(|letter| letter.is_alphanumeric()).collect() };
    letters(first) == letters(second)
}

/// Whether the training's own record next to an archive (rl-zoo3's `config.yml`) says that observations were normalized.
pub(super) fn zoo_says_so(archive: &Path) -> bool {
    let stem = archive.file_stem().unwrap_or_default();
    let folder = archive.parent().unwrap_or(Path::new(""));
    let says = |path: PathBuf| {
        let text = crate::archive::read_file(&path, 1 << 20).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        text.is_some_and(|text| {
            let after = text.split_once("normalize").map_or("", |(_, after)| after);
            let value = after.trim_start_matches([':', ' ', '\n', '\r', '-', '\'', '"']);
            value.starts_with("true")
                || value.starts_with("True")
                || value.starts_with("{'norm_obs': True")
                || value.starts_with("{'gamma'")
        })
    };
    says(folder.join("config.yml")) || says(folder.join(stem).join("config.yml"))
}

#[cfg(test)]
mod tests {
    use super::{beside, without_normalization};

    #[test]
    fn names() {
        let rest = |stem: &str| without_normalization(stem).unwrap_or_else(|| "none".to_owned());
        assert_eq!(rest("best_model_vecnormalize"), "best_model_");
        assert_eq!(rest("Vec-Normalizer_5"), "_5");
        assert_eq!(rest("rl_model_vecnormalize_500_steps"), "rl_model__500_steps");
        assert_eq!(rest("replay_buffer"), "none");
    }

    #[test]
    fn the_one_that_belongs_to_the_archive() {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str| std::fs::write(folder.path().join(name), "").expect("a file");
        let of = |name: &str| {
            let found = beside(&folder.path().join(name)).map_err(|error| error.to_string());
            found.map(|path| path.map(|path| path.file_name().unwrap_or_default().to_string_lossy().into_owned()))
        };
        write("a.zip");
        write("model_10_steps.zip");
        assert_eq!(of("a.zip"), Ok(None));
        write("model_vecnormalize_10_steps.pkl");
        assert_eq!(of("a.zip"), Ok(None));
        assert_eq!(of("model_10_steps.zip"), Ok(Some("model_vecnormalize_10_steps.pkl".into())));
        write("my VecNormalize stats.pkl");
        assert_eq!(of("a.zip"), Ok(Some("my VecNormalize stats.pkl".into())));
        write("other_vec_normalize.pkl");
        assert!(of("a.zip").expect_err("a refusal").contains("--normalization FILE"));
        write("a-vec-normalize.pkl");
        assert_eq!(of("a.zip"), Ok(Some("a-vec-normalize.pkl".into())));
        write("vecnormalize.pkl");
        assert_eq!(of("a.zip"), Ok(Some("vecnormalize.pkl".into())));
    }
}
