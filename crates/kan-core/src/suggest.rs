//! "Did you mean …?" for ids, kinds and names.

/// The known name most similar to `name`, if any is similar enough to be a slip.
pub fn nearest<'a, S: AsRef<str>>(name: &str, known: &'a [S]) -> Option<&'a str> {
    known
        .iter()
        .map(|candidate| (similarity(name, candidate.as_ref()), candidate.as_ref()))
        .filter(|(similarity, _)| *similarity >= 0.5)
        // On a tie, the last one in alphabetical order, so that the newer of two versions wins.
        .max_by(|first, second| first.0.total_cmp(&second.0).then(first.1.cmp(second.1)))
        .map(|(_, candidate)| candidate)
}

/// How similar a known name is, from 0 to 1; also without its prefix (`gymnasium:`), which counts slightly less.
fn similarity(name: &str, known: &str) -> f64 {
    let (name, known) = (name.to_lowercase(), known.to_lowercase());
    let compare = |known: &str| strsim::normalized_damerau_levenshtein(&name, known);
    known.rsplit_once(':').map_or(0.0, |(_, bare)| 0.99 * compare(bare)).max(compare(&known))
}

/// The most similar known names, five at most, and how many more there are.
pub fn few(name: &str, known: &[String]) -> String {
    const MOST: usize = 5;
    let mut sorted: Vec<&str> = known.iter().map(String::as_str).collect();
    if sorted.len() > MOST {
        sorted.sort_by(|first, second| similarity(name, second).total_cmp(&similarity(name, first)));
    }
    let shown = sorted[..sorted.len().min(MOST)].join(", ");
    if sorted.len() > MOST { format!("{shown} and {} more", sorted.len() - MOST) } else { shown }
}

/// `", did you mean `X`?"`, or nothing.
pub fn did_you_mean(nearest: &Option<String>) -> String {
    nearest.as_ref().map_or_else(String::new, |name| format!(", did you mean `{name}`?"))
}

#[cfg(test)]
mod tests {
    use super::{few, nearest};

    #[test]
    fn finds_slips_and_leaves_strangers_alone() {
        let known = ["CartPole-v1", "Pendulum-v1", "Acrobot-v1"];
        assert_eq!(nearest("CartPole-v2", &known), Some("CartPole-v1"));
        assert_eq!(nearest("cartpole", &known), Some("CartPole-v1"));
        assert_eq!(nearest("zzz", &known), None);
        assert_eq!(nearest("Hopper-v3", &["Hopper-v5", "Hopper-v4"]), Some("Hopper-v5"));
        assert_eq!(nearest("Tanks-v0", &["Ant-v5", "gymnasium:Tanks-v0"]), Some("gymnasium:Tanks-v0"));
    }

    #[test]
    fn few_names_are_all_shown_and_of_many_the_most_similar() {
        let known = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(few("b", &known(&["c", "a"])), "c, a");
        assert_eq!(few("f1", &known(&["a", "b", "c", "d", "e", "f2", "g"])), "f2, a, b, c, d and 2 more");
    }
}
