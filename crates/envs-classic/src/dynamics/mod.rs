//! What each environment does in a step, for whatever is known of its state: what proofs about policies follow.
//!
//! The equations are those of the environments' own `step`, which computes with doubles; tests compare the two on
//! random boxes.

mod acrobot;
mod cart_pole;
mod mountain_car;
mod mountain_car_continuous;
mod pendulum;

use kanrl_interval::{Branch, Interval, Number};

/// Calls a function of [`kanrl_interval::Dynamics`] with those of an environment of this crate, by its id; gives back
/// the visitor where there are none.
///
/// # Errors
/// The visitor, for an id that is not one of this crate's.
pub fn with_dynamics<V: Visitor>(id: &str, visitor: V) -> Result<V::Output, V> {
    match id {
        "Acrobot-v1" => Ok(visitor.visit(&crate::Acrobot::new(crate::AcrobotConfig::default()))),
        "CartPole-v1" => Ok(visitor.visit(&crate::CartPole::new(crate::CartPoleConfig::default()))),
        "MountainCar-v0" => Ok(visitor.visit(&crate::MountainCar::new(crate::MountainCarConfig::default()))),
        "MountainCarContinuous-v0" => {
            Ok(visitor.visit(&crate::MountainCarContinuous::new(crate::MountainCarConfig::default())))
        }
        "Pendulum-v1" => Ok(visitor.visit(&crate::Pendulum::new(crate::PendulumConfig::default()))),
        _ => Err(visitor),
    }
}

/// What is done with an environment's dynamics; see [`with_dynamics`].
pub trait Visitor {
    /// What comes of it.
    type Output;

    /// Does it.
    fn visit<const N: usize>(self, dynamics: &impl kanrl_interval::Dynamics<N>) -> Self::Output;
}

/// A branch that ends the episode and one that does not, where `condition` may be above 0 and where it may not.
fn ends_where_positive<T: Number, const N: usize>(
    condition: Interval,
    branch: impl Fn(bool) -> Branch<T, N>,
) -> Vec<Branch<T, N>> {
    let mut branches = Vec::with_capacity(2);
    if condition.is_undefined() || condition.high > 0.0 {
        branches.push(branch(true));
    }
    if condition.is_undefined() || condition.low <= 0.0 {
        branches.push(branch(false));
    }
    branches
}

/// A reward that nothing changes.
fn reward(value: f64) -> Interval {
    Interval::point(value)
}
