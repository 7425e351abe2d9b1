//! DAgger: a student plays, the expert says what it would have done in the student's states, and the student learns that
//! too (Ross et al. 2011, arXiv 1011.0686).

use super::judge::{CLOSE, Judge, Judged};
use super::mixture::Mixture;
use super::takeover::{EPISODES, STEPS_BEFORE, Saved, is_lost};
use crate::engine::StageError;
use crate::rollouts::{Game, play, play_all};
use crate::run::seeds::{self, Purpose};
use crate::run::statistics::mean;
use crate::stages::collect::ExpertData;
use crate::stages::collect::data::push_labeled;
use crate::stages::context::StageContext;
use crate::stages::symbolify::judge::trails;
use crate::stages::teacher::Teacher;
use kanrl_core::environment::EnvironmentSpec;
use kanrl_core::policy::{ExpertPolicy, Policy};
use kanrl_core::rollout::{Episode, RolloutOptions, Rollouts};
use kanrl_core::space::ActionSpace;
use std::cell::RefCell;

/// Every n-th episode is held out for validation.
const VALIDATE_EVERY: usize = 5;
/// Episodes of a round at most: those of a student that falls at once are all alike.
const MOST_EPISODES: usize = 60;
/// Steps of a round where nothing says how many, for environments with few observations or many.
const FEWEST_STEPS: usize = 2_000;
const MOST_STEPS: usize = 20_000;
/// Steps of an episode that no time limit ends.
const ENDLESS: u32 = 1_000;
/// Rounds without a better student after which there are no more.
const PATIENCE: usize = 5;
/// Rounds in a row that change nothing in a student, after which there are no more.
const UNCHANGED: usize = 2;
/// Growth of fidelity that makes a student a better one.
const LEAST_GAIN: f64 = 0.005;
/// Rounds after which a student that is far behind another one must be gaining on it,
const HEAD_START: usize = 4;
/// and the rounds that its pace is measured over.
const PACE: usize = 2;
/// Rounds that are judged again on fresh seeds: the best of many is partly the luckiest.
const FINALISTS: usize = 3;

/// Environment steps of a round: as many episodes as an observation has coordinates, within limits. What is to be learned
/// grows with both.
fn steps_of_a_round(configured: Option<usize>, spec: &EnvironmentSpec) -> usize {
    let episode = spec.max_episode_steps.unwrap_or(ENDLESS) as usize;
    configured.unwrap_or((episode * spec.observation_space.len()).clamp(FEWEST_STEPS, MOST_STEPS)).max(1)
}

/// The expert's own rows, weighed as one round at most: where a student's states join them, they must not outweigh those,
/// however long the expert's episodes are.
pub(crate) fn weighed_as_one_round(setting: &StageContext<'_>, mut data: ExpertData) -> ExpertData {
    let steps = steps_of_a_round(setting.config().dagger.steps, setting.spec());
    let factor = (steps as f64 / data.train.rows() as f64).min(1.0);
    data.train.weights.iter_mut().chain(&mut data.validation.weights).for_each(|weight| *weight *= factor);
    data
}

/// What students are compared by, made once for all of a stage's students.
pub struct Dagger<'a> {
    setting: &'a StageContext<'a>,
    expert: &'a dyn ExpertPolicy,
    rollouts: Rollouts,
    stage: &'static str,
    judge: Judge<'a>,
    rounds: usize,
    /// Share of steps that the expert takes in the first round.
    expert_share: f64,
    steps: usize,
    /// Returns of the best student so far, on the seeds that rounds are compared by.
    leader: RefCell<Vec<f64>>,
}

/// The best of all rounds.
pub struct Best<S> {
    /// The student.
    pub student: S,
    /// All rows of all rounds.
    pub data: ExpertData,
    /// Its mean return on the seeds that rounds are compared by.
    pub mean: f64,
    /// How far it does what the expert does in the states that it visits itself: the share of equal actions or the
    /// coefficient of determination.
    pub fidelity: f64,
    /// Its round; 0 for the student that there was before.
    pub round: usize,
    /// Whether it nearly plays as well as the expert and nearly always does what the expert does: a wider network would gain
    /// little.
    pub is_good_enough: bool,
}

impl<S> Best<S> {
    /// Whether it plays better than another student, or about as well and does more often what the expert does.
    pub fn is_better_than<T>(&self, other: &Best<T>) -> bool {
        let slack = CLOSE * other.mean.abs();
        self.mean > other.mean + slack || self.mean >= other.mean - slack && self.fidelity > other.fidelity
    }
}

impl<'a> Dagger<'a> {
    /// Rounds for formulas: as many as the config says for them, and they play alone, since they come after rounds with the
    /// expert's help. None where there is only a log: it cannot be asked about other states.
    ///
    /// # Errors
    /// [`StageError`] where the environment or the expert fails.
    pub fn new(setting: &'a StageContext<'a>, stage: &'static str) -> Result<Option<Self>, StageError> {
        let section = &setting.config().dagger;
        Self::with(setting, stage, section.formula_rounds.min(section.rounds), 0.0)
    }

    /// The expert's mean return on the seeds that rounds are compared by.
    pub(super) fn of_expert(&self) -> f64 {
        self.judge.of_expert()
    }

    /// Rounds for networks, in the first of which the expert helps.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn of_networks(setting: &'a StageContext<'a>, stage: &'static str) -> Result<Option<Self>, StageError> {
        let section = &setting.config().dagger;
        Self::with(setting, stage, section.rounds, section.expert_share)
    }

    fn with(
        setting: &'a StageContext<'a>,
        stage: &'static str,
        rounds: usize,
        expert_share: f64,
    ) -> Result<Option<Self>, StageError> {
        let Teacher::Expert(expert) = setting.teacher() else { return Ok(None) };
        let expert = expert.as_ref();
        let rollouts = setting.rollouts()?;
        let judge = Judge::new(setting, expert, stage)?;
        let steps = steps_of_a_round(setting.config().dagger.steps, setting.spec());
        Ok(Some(Self {
            setting,
            expert,
            rollouts,
            stage,
            judge,
            rounds,
            expert_share,
            steps,
            leader: RefCell::default(),
        }))
    }

    /// Plays rounds with a student until it plays as well as the expert and does what it does, or nothing gets better, or
    /// it will not catch up with a student that was here before, or there are no more. The best round counts, since rounds can
    /// get worse. `learn` makes a student from the last one and all rows so far.
    ///
    /// # Errors
    /// [`StageError`] where a student cannot be made or the environment fails.
    pub fn rounds<S>(
        &self,
        name: &str,
        first: S,
        data: ExpertData,
        policy: &dyn for<'s> Fn(&'s S) -> Box<dyn Policy + 's>,
        learn: &mut dyn FnMut(&S, &ExpertData) -> Result<S, StageError>,
    ) -> Result<Best<S>, StageError>
    where
        S: Clone,
    {
        let judged = self.judge.judge(policy(&first).as_ref())?;
        let (mut student, mut data, mut episodes) = (first.clone(), data, 0);
        let (mut best, mut since_best, mut unchanged) = ((judged.mean(), judged.fidelity), 0, 0);
        let mut played = vec![(first, judged)];
        for round in 1..=self.rounds {
            let last = &played[round - 1].1;
            if self.judge.is_as_good_as_the_expert(last) || since_best == PATIENCE || unchanged == UNCHANGED {
                break;
            }
            let steps = self.aggregate(policy(&student).as_ref(), round, &mut episodes, &mut data)?;
            if steps == 0 {
                break;
            }
            student = learn(&student, &data)?;
            let judged = self.judge.judge(policy(&student).as_ref())?;
            let rows = data.train.rows();
            self.setting.reporter.message(
                self.stage,
                format!(
                    "{name}, round {round} of {steps} steps: mean return {:.2}, {} {:.3} after learning from {rows} rows",
                    judged.mean(),
                    self.judge.measure(),
                    judged.fidelity
                ),
            );
            unchanged = if judged.returns == played[round - 1].1.returns { unchanged + 1 } else { 0 };
            since_best += 1;
            // NaN is no better than anything.
            if judged.mean() > best.0 || judged.fidelity >= best.1 + LEAST_GAIN {
                since_best = 0;
            }
            best = (best.0.max(judged.mean()), best.1.max(judged.fidelity));
            played.push((student.clone(), judged));
            let returns: Vec<&[f64]> = played.iter().map(|(_, judged)| &judged.returns[..]).collect();
            if falls_behind(&returns, self.rounds - round, &self.leader.borrow()) {
                let line = format!("{name} is given up: another student plays far better, and it does not gain on it");
                self.setting.reporter.message(self.stage, line);
                break;
            }
        }
        let returns = best_returns(played.iter().map(|(_, judged)| &judged.returns[..]));
        let mut leader = self.leader.borrow_mut();
        if leader.is_empty() || mean(returns) > mean(&leader) {
            *leader = returns.to_vec();
        }
        let (round, Judged { returns, fidelity }) = self.best_of(policy, &played)?;
        let (student, judged) = played.swap_remove(round);
        let is_good_enough = self.judge.is_close_to_the_expert(&judged);
        Ok(Best { student, data, mean: mean(&returns), fidelity, round, is_good_enough })
    }

    /// The best of the rounds, and what it does on seeds that no round was compared by.
    fn best_of<S>(
        &self,
        policy: &dyn for<'s> Fn(&'s S) -> Box<dyn Policy + 's>,
        played: &[(S, Judged)],
    ) -> Result<(usize, Judged), StageError> {
        if let [(_, only)] = played {
            return Ok((0, only.clone()));
        }
        let mut order: Vec<usize> = (0..played.len()).collect();
        order.sort_by(|first, second| played[*second].1.mean().total_cmp(&played[*first].1.mean()));
        order.truncate(FINALISTS);
        let again = |round: &usize| Ok((*round, self.judge.judge_again(policy(&played[*round].0).as_ref())?));
        let finalists = order.iter().map(again).collect::<Result<Vec<_>, StageError>>()?;
        let by_return = |first: &&(usize, Judged), second: &&(usize, Judged)| {
            first.1.mean().total_cmp(&second.1.mean()).then(second.0.cmp(&first.0))
        };
        let best = finalists.iter().max_by(by_return).expect("a finalist");
        // Of students that cannot be told apart by what they reach, the one that explains the expert better.
        let by_fidelity = |first: &&(usize, Judged), second: &&(usize, Judged)| {
            first.1.fidelity.total_cmp(&second.1.fidelity).then(second.0.cmp(&first.0))
        };
        let close = finalists.iter().filter(|other| other.1.is_as_good_as(&best.1.returns));
        Ok(close.max_by(by_fidelity).unwrap_or(best).clone())
    }

    /// One round: the student's episodes, with the expert's share in them, labeled by the expert. `episodes` counts those of
    /// all rounds. Returns the steps that were taken.
    fn aggregate(
        &self,
        student: &dyn Policy,
        round: usize,
        episodes: &mut usize,
        data: &mut ExpertData,
    ) -> Result<usize, StageError> {
        let config = self.setting.config();
        let section = &config.dagger;
        let expert_share = self.expert_share * section.expert_share_decay.powi(round as i32 - 1);
        let (head, space) = (self.setting.head(), &self.setting.spec().action_space);
        let anchored = section.anchoring && round == 1 && matches!(space, ActionSpace::Box(_)) && head.outputs() >= 3;
        let parts = if anchored { head.outputs() } else { 1 };
        let options = RolloutOptions { record: true, ..RolloutOptions::default() };
        let (mut steps, mut played, mut lost) = (0, 0, Saved::default());
        // Whole episodes until there are enough steps, as many at a time as it seems to take.
        while steps < self.steps && played < MOST_EPISODES {
            let length = match played {
                0 => self.setting.spec().max_episode_steps.unwrap_or(ENDLESS) as usize,
                _ => steps.div_ceil(played),
            };
            let wanted = (self.steps - steps).div_ceil(length.max(1)).clamp(parts, MOST_EPISODES.max(parts));
            let seeds = seeds::episodes(config.seed, Purpose::Aggregate, *episodes + wanted).split_off(*episodes);
            let mut batch: Vec<Episode> = Vec::new();
            for part in 0..parts {
                let own: Vec<u64> = seeds.iter().skip(part).step_by(parts).copied().collect();
                let only = anchored.then_some(part);
                let takes =
                    |row: &[f64], step: u32| expert_share > 0.0 && seeds::unit(config.seed, row, step) < expert_share;
                let mixture = Mixture { student, expert: self.expert, takes, only };
                let what = "episodes of the student";
                match play(&self.rollouts, &mixture, &own, &options, &self.setting.reporter, self.stage, what) {
                    Ok(played) => {
                        if part == 0 {
                            lost.add(self.taken_over(&mixture, &played)?);
                        }
                        batch.extend(played);
                    }
                    // Nothing can be learned from a student that does not act.
                    Err(error) if error.leaves_domain() => {}
                    Err(error) => return Err(error),
                }
            }
            for (episode, trajectory) in batch.iter().filter_map(|it| Some((it, it.trajectory.as_ref()?))) {
                let hopeless = if self.is_lost(episode) { lost.hopeless_steps() } else { 0 };
                let validates = *episodes % VALIDATE_EVERY == VALIDATE_EVERY - 1;
                let to = if validates { &mut data.validation } else { &mut data.train };
                push_labeled(to, self.expert, &head, trajectory, trajectory.rewards.len().saturating_sub(hopeless))?;
                steps += trajectory.rewards.len();
                *episodes += 1;
            }
            played += wanted;
        }
        if let Some(line) = lost.in_words() {
            self.setting.reporter.message(self.stage, line);
        }
        Ok(steps)
    }

    /// Whether an episode ended early, far below the expert's return.
    fn is_lost(&self, episode: &Episode) -> bool {
        episode.terminated && is_lost(episode.episode_return, self.of_expert())
    }

    /// What the expert makes of some of the episodes that a player lost, where it takes over shortly before their end.
    fn taken_over(&self, player: &dyn Policy, episodes: &[Episode]) -> Result<Saved, StageError> {
        let lost: Vec<&Episode> = episodes.iter().filter(|episode| self.is_lost(episode)).take(EPISODES).collect();
        let mut saved = Saved { tried: lost.len(), ..Saved::default() };
        for (count, before) in saved.saved.iter_mut().zip(STEPS_BEFORE) {
            let player = |episode: &&Episode| {
                let after = episode.length.saturating_sub(before);
                Mixture {
                    student: player,
                    expert: self.expert,
                    takes: move |_: &[f64], step| step >= after,
                    only: None,
                }
            };
            let players: Vec<_> = lost.iter().map(player).collect();
            let seeds: Vec<[u64; 1]> = lost.iter().map(|episode| [episode.seed]).collect();
            let games: Vec<Game<'_>> = players
                .iter()
                .zip(&seeds)
                .map(|(policy, seeds)| Game { environment: &self.rollouts, policy, seeds })
                .collect();
            for played in play_all(&games, &self.setting.reporter, self.stage, "episodes that the expert takes over")? {
                *count += played?.iter().filter(|episode| !self.is_lost(episode)).count();
            }
        }
        Ok(saved)
    }
}

/// Whether a student is far behind the leader after some rounds and will not catch up in those that are left if it goes on
/// at its pace. `returns` holds one slice for each round, of the same seeds as the leader's.
fn falls_behind(returns: &[&[f64]], rounds_left: usize, leader: &[f64]) -> bool {
    if returns.len() <= HEAD_START {
        return false;
    }
    let now = best_returns(returns.iter().copied());
    let before = mean(best_returns(returns[..returns.len() - PACE].iter().copied()));
    let gain = (mean(now) - before) / PACE as f64;
    // NaN where no round acts.
    let catches_up = mean(now) + gain * rounds_left as f64 >= mean(leader);
    trails(now, leader) && !catches_up
}

/// The returns of the round with the highest mean.
fn best_returns<'r>(mut rounds: impl Iterator<Item = &'r [f64]>) -> &'r [f64] {
    let first = rounds.next().expect("a round");
    rounds.fold(first, |best, other| if mean(other) > mean(best) { other } else { best })
}

#[cfg(test)]
mod tests {
    use super::{Best, falls_behind, steps_of_a_round};
    use crate::stages::collect::ExpertData;
    use kanrl_core::dataset::Dataset;
    use kanrl_core::environment::EnvironmentSpec;
    use kanrl_core::space::{ActionSpace, BoxSpace, Coordinate, DiscreteSpace, ElementType};

    #[test]
    fn a_student_far_behind_is_given_up_unless_it_gains() {
        let leader: Vec<f64> = (0..30).map(|index| 500.0 + f64::from(index % 7)).collect();
        let round = |mean: f64| leader.iter().map(|value| value - 503.0 + mean).collect::<Vec<_>>();
        let behind = |means: &[f64], left: usize| {
            let rounds: Vec<Vec<f64>> = means.iter().map(|mean| round(*mean)).collect();
            falls_behind(&rounds.iter().map(Vec::as_slice).collect::<Vec<_>>(), left, &leader)
        };
        assert!(behind(&[10.0, 100.0, 120.0, 110.0, 125.0], 7));
        assert!(!behind(&[10.0, 100.0, 120.0, 110.0], 8), "too early to say");
        assert!(!behind(&[10.0, 50.0, 100.0, 170.0, 240.0], 7), "it gains");
        assert!(behind(&[10.0, 50.0, 100.0, 170.0, 240.0], 2), "but not fast enough");
        assert!(!behind(&[10.0, 100.0, 470.0, 460.0, 470.0], 7), "not far");
        assert!(!falls_behind(&[&leader[..]; 6], 3, &[]), "nobody was here before");
        assert!(behind(&[f64::NEG_INFINITY; 6], 7));
    }

    #[test]
    fn of_students_that_play_alike_the_more_faithful_one_is_better() {
        let student = |mean: f64, fidelity: f64| {
            let rows = || Dataset::new(Vec::new(), Vec::new(), None);
            let data = ExpertData { train: rows(), validation: rows() };
            Best { student: (), data, mean, fidelity, round: 1, is_good_enough: false }
        };
        let other = student(-200.0, 0.9);
        assert!(student(-150.0, 0.5).is_better_than(&other));
        assert!(student(-201.0, 0.95).is_better_than(&other));
        assert!(!student(-201.0, 0.85).is_better_than(&other));
        assert!(!student(-250.0, 1.0).is_better_than(&other));
    }

    #[test]
    fn rounds_grow_with_episodes_and_observations() {
        let steps = |inputs: usize, limit: Option<u32>, configured: Option<usize>| {
            let coordinate = |index: usize| Coordinate::new(format!("x_{index}"), "m", 0.0, 1.0);
            let spec = EnvironmentSpec {
                id: "Some-v0".into(),
                observation_space: BoxSpace::new(ElementType::F64, (0..inputs).map(coordinate).collect()),
                action_space: ActionSpace::Discrete(DiscreteSpace::new(["left", "right"])),
                max_episode_steps: limit,
                reward_threshold: None,
                frames_per_second: 1,
                info_names: vec![],
            };
            steps_of_a_round(configured, &spec)
        };
        assert_eq!(steps(2, Some(200), None), 2_000);
        assert_eq!(steps(6, Some(500), None), 3_000);
        assert_eq!(steps(11, Some(1_000), None), 11_000);
        assert_eq!(steps(24, Some(1_600), None), 20_000);
        assert_eq!(steps(3, None, None), 3_000);
        assert_eq!(steps(24, Some(1_600), Some(0)), 1);
        assert_eq!(steps(24, Some(1_600), Some(500)), 500);
    }
}
