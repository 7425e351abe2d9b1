//! "Did you mean …?" for ids, kinds and names.

/// The known name most similar to `name`, if any is similar enough to be a slip.
pub fn nearest<'a, S: AsRef<str>>(name: &str, known: &'a [S]) -> Option<&'a str> {
    known
        .iter()
        .map(|candidate| {
            let similarity =
                strsim::normalized_damerau_levenshtein(&name.to_lowercase(), &candidate.as_ref().to_lowercase());
            (similarity, candidate.as_ref())
        })
        .filter(|(similarity, _)| *similarity >= 0.5)
        // On a tie, the last one in alphabetical order, so that the newer of two versions wins.
        .max_by(|first, second| first.0.total_cmp(&second.0).then(first.1.cmp(second.1)))
        .map(|(_, candidate)| candidate)
}

/// `", did you mean `X`?"`, or nothing.
pub fn did_you_mean(nearest: &Option<String>) -> String {
    nearest.as_ref().map_or_else(String::new, |name| format!(", did you mean `{name}`?"))
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn finds_slips_and_leaves_strangers_alone() {
        let known = ["CartPole-v1", "Pendulum-v1", "Acrobot-v1"];
        assert_eq!(nearest("CartPole-v2", &known), Some("CartPole-v1"));
        assert_eq!(nearest("cartpole", &known), Some("CartPole-v1"));
        assert_eq!(nearest("zzz", &known), None);
        assert_eq!(nearest("Hopper-v3", &["Hopper-v5", "Hopper-v4"]), Some("Hopper-v5"));
    }
}
