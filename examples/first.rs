//! From an expert to a formula that plays: the program on the front page of the library's documentation, with a smaller
//! budget.
//!
//! ```sh
//! cargo run --release --example first
//! ```

use kanrl::prelude::*;

#[cfg_attr(test, test)]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let environments = kanrl::environments()?;
    let rollouts = Rollouts::new(environments.get("CartPole-v1")?, &KeywordArguments::new())?;
    let expert = "bundled".parse::<PolicySource>()?.resolve(rollouts.spec())?;

    let run = Run::new("CartPole-v1")?
        .expert("bundled")?
        .set("collect.train_episodes", 3)
        .set("dagger.rounds", 1)
        .set("polish.enabled", false)
        .set("evaluate.robustness_episodes", 0)
        .set("record.videos", false);
    let folder = tempfile::tempdir()?;
    let formula = run.open(folder.path())?.execute()?.formula.ok_or("no formula was chosen")?;

    let policy = FunctionPolicy::from_formula(&formula, rollouts.spec(), "the formula".to_owned())?;
    let theirs = rollouts.run(expert.as_ref(), &[1, 2, 3], &RolloutOptions::default())?;
    let ours = rollouts.run(&policy, &[1, 2, 3], &RolloutOptions::default())?;
    println!("{formula}\n{} against {}", ours[0].episode_return, theirs[0].episode_return);
    assert!(ours.iter().all(|episode| episode.episode_return > 300.0), "the formula drops the pole");
    Ok(())
}
