//! What an environment does in a step, for whatever is known of its state.

use crate::{Interval, Number};

/// The dynamics of an environment whose state is `N` numbers, written once for every [`Number`]: what
/// a proof about a policy in it follows.
///
/// They enclose what the environment computes, in its own precision: for every state of a box, what it does in doubles
/// lies in one of the branches.
pub trait Dynamics<const N: usize>: Sync {
    /// Names of the state's numbers.
    fn names(&self) -> [&'static str; N];

    /// The box that every start lies in.
    fn starts(&self) -> [Interval; N];

    /// About how far each number ranges in an episode: what makes widths comparable.
    fn scales(&self) -> [f64; N];

    /// What a policy is to achieve.
    fn aim(&self) -> Aim;

    /// Steps after which an episode is cut off.
    fn limit(&self) -> u32;

    /// What is observed of a state, rounding to the observation's type included.
    fn observe<T: Number>(&self, state: &[T; N]) -> Vec<T>;

    /// All that can become of a state in a step. Where it depends on a condition, such as the end of the episode,
    /// there is a branch for each outcome that is possible.
    fn step<T: Number>(&self, state: &[T; N], action: &Choice<T>) -> Vec<Branch<T, N>>;

    /// The first step of an episode, for environments that compute it in another precision than the later ones.
    fn first_step<T: Number>(&self, state: &[T; N], action: &Choice<T>) -> Vec<Branch<T, N>> {
        self.step(state, action)
    }
}

/// When an episode counts as a success.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Aim {
    /// The task's own rules end it: the goal is reached.
    End,
    /// They never do: nothing falls before the time limit.
    Last,
    /// An angle and a speed, the state's two numbers, come into a set that they never leave again.
    Keep {
        /// Where that set lies: angle and speed.
        region: [Interval; 2],
        /// Where they may be on the way from one of its states to the next.
        allowed: [Interval; 2],
        /// All speeds that are possible.
        speeds: Interval,
    },
}

/// What a policy does.
#[derive(Clone, Debug)]
pub enum Choice<T> {
    /// One of the discrete actions.
    Discrete(usize),
    /// A vector, within its bounds.
    Vector(Vec<T>),
}

impl<T: Number> Choice<T> {
    /// The number of the discrete action; 0 for a vector.
    pub fn index(&self) -> usize {
        match self {
            Self::Discrete(index) => *index,
            Self::Vector(_) => 0,
        }
    }

    /// Number `index` of the vector; anything for a discrete action.
    pub fn number(&self, index: usize) -> T {
        match self {
            Self::Vector(numbers) if index < numbers.len() => numbers[index].clone(),
            _ => T::unknown(Interval::UNDEFINED),
        }
    }
}

/// One of the outcomes of a step.
#[derive(Clone, Debug)]
pub struct Branch<T, const N: usize> {
    /// The state after it.
    pub state: [T; N],
    /// The step's reward.
    pub reward: Interval,
    /// Whether the episode ends with it by the task's own rules.
    pub ended: bool,
}
