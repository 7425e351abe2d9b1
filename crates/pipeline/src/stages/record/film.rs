//! Filming an episode.

use crate::engine::StageError;
use kanrl_core::action::ActionBatch;
use kanrl_core::environment::{DynEnvironment, EnvironmentError, Frame};
use kanrl_core::policy::Policy;
use kanrl_core::space::ActionSpace;
use kanrl_render::text::caption;
use kanrl_render::video::{Format, Writer};

/// A filmed episode.
#[derive(Clone, Debug, PartialEq)]
pub struct Film {
    /// The video file.
    pub bytes: Vec<u8>,
    /// The episode's return.
    pub episode_return: f64,
    /// Its frames, the first observation's included.
    pub frames: usize,
}

/// Plays one episode and draws every state, with the action and the return so far written on each frame if `captions`.
/// `each` sees every frame with the steps so far and the time limit (0 for none); it returns `false` to stop early.
///
/// # Errors
/// [`StageError::Environment`] where the environment fails or cannot be drawn, [`StageError::Policy`],
/// [`StageError::Video`].
pub fn film(
    environment: &mut dyn DynEnvironment,
    policy: &dyn Policy,
    seed: u64,
    format: Format,
    captions: bool,
    each: &mut dyn FnMut(&Frame, u32, u32) -> bool,
) -> Result<Film, StageError> {
    let spec = environment.spec().clone();
    let limit = spec.max_episode_steps.unwrap_or(0);
    let mut observation = vec![0.0; spec.observation_space.len()];
    let mut actions = ActionBatch::zeros(&spec.action_space, 1);
    environment.reset(Some(seed), &mut observation)?;
    let frame = environment.render()?;
    let mut writer = Writer::new(format, frame.width, frame.height, spec.frames_per_second)?;
    let (mut episode_return, mut frames) = (0.0, 0);
    let mut push = |mut frame: Frame, action: &str, episode_return: f64, step: u32| -> Result<bool, StageError> {
        if captions {
            caption(&mut frame, &[format!("{action}   return {episode_return:.2}")]);
        }
        writer.push(&frame)?;
        frames += 1;
        Ok(each(&frame, step, limit))
    };
    let mut step = 0;
    let mut more = push(frame, "", 0.0, step)?;
    while more {
        policy.act(&observation, &[step], &mut actions)?;
        let outcome = match environment.step(actions.row(0), &mut observation) {
            // What there is to see of the episode has been seen.
            Err(EnvironmentError::Diverged { .. }) => break,
            other => other?,
        };
        episode_return += outcome.reward;
        step += 1;
        more = push(environment.render()?, &describe(&actions, &spec.action_space), episode_return, step)?;
        more &= !outcome.is_over();
    }
    Ok(Film { bytes: writer.finish()?, episode_return, frames })
}

/// An action in words.
fn describe(actions: &ActionBatch, space: &ActionSpace) -> String {
    match (actions, space) {
        (ActionBatch::Discrete(actions), ActionSpace::Discrete(space)) => space.actions[actions[0]].clone(),
        (ActionBatch::Continuous { values, .. }, _) => {
            values.iter().map(|value| format!("{value:+.2}")).collect::<Vec<_>>().join(" ")
        }
        _ => String::new(),
    }
}
