//! A robot in motion: MuJoCo's model and state, stepped as Gymnasium's `MujocoEnv` does.

use crate::model::ModelSource;
use kanrl_core::action::ContinuousAction;
use mujoco_rs::mujoco_c::mjtWarning;
use mujoco_rs::wrappers::{MjData, MjModel};

/// A model with its state. The model is its own: parameters can be changed in one lane without the others.
#[derive(Debug)]
pub struct Simulation {
    data: MjData<Box<MjModel>>,
    frame_skip: u32,
    initial_qpos: Box<[f64]>,
    /// Mass and principal moments of inertia of each body as the model has them.
    initial_inertia: Box<[(f64, [f64; 3])]>,
}

/// The simulation left the range in which it can go on: a position, velocity or acceleration is NaN, infinite or huge.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error(
    "{what} of degree of freedom {degree_of_freedom} became NaN, infinite or huge \
     (a smaller time step or gentler parameters may help)"
)]
pub struct Diverged {
    /// Position, velocity or acceleration.
    pub what: &'static str,
    /// Its index in the state.
    pub degree_of_freedom: usize,
}

impl Simulation {
    /// A robot at rest in its initial position. A step lasts `frame_skip` time steps of the model.
    ///
    /// # Errors
    /// As [`ModelSource::compile`], or where `frame_skip` is 0.
    pub fn new(source: &ModelSource, frame_skip: u32) -> Result<Self, String> {
        if frame_skip == 0 {
            return Err("frame_skip is 0, expected 1 or more".to_owned());
        }
        let data = MjData::new(Box::new(source.compile()?));
        let masses = data.model().body_mass().iter().copied();
        let initial_inertia = masses.zip(data.model().body_inertia().iter().copied()).collect();
        Ok(Self { initial_qpos: data.qpos().into(), initial_inertia, data, frame_skip })
    }

    /// MuJoCo's state.
    pub fn data(&self) -> &MjData<Box<MjModel>> {
        &self.data
    }

    /// MuJoCo's state, for renderers.
    pub fn data_mut(&mut self) -> &mut MjData<Box<MjModel>> {
        &mut self.data
    }

    /// Time steps of the model in a step.
    pub fn frame_skip(&self) -> u32 {
        self.frame_skip
    }

    /// Seconds that a step lasts.
    #[inline]
    pub fn dt(&self) -> f64 {
        self.data.model_opt().timestep * f64::from(self.frame_skip)
    }

    /// Generalized positions `[nq]`.
    #[inline]
    pub fn qpos(&self) -> &[f64] {
        self.data.qpos()
    }

    /// Generalized velocities `[nv]`.
    #[inline]
    pub fn qvel(&self) -> &[f64] {
        self.data.qvel()
    }

    /// Generalized positions at rest `[nq]`.
    #[inline]
    pub fn initial_qpos(&self) -> &[f64] {
        &self.initial_qpos
    }

    /// Principal moments of inertia of a body whose mass is changed but not its shape.
    pub fn inertia_at(&self, body: usize, mass: f64) -> [f64; 3] {
        let (initial_mass, inertia) = self.initial_inertia[body];
        inertia.map(|moment| moment * (mass / initial_mass))
    }

    /// Starts anew: `disturb` gets positions and velocities at rest and moves them to where the episode starts.
    pub fn reset(&mut self, disturb: impl FnOnce(&mut [f64], &mut [f64])) {
        self.data.reset();
        let mut qpos = self.initial_qpos.clone();
        let mut qvel = vec![0.0; self.data.qvel().len()];
        disturb(&mut qpos, &mut qvel);
        self.data.qpos_mut().copy_from_slice(&qpos);
        self.data.qvel_mut().copy_from_slice(&qvel);
        self.data.forward();
    }

    /// Holds the controls for one step. MuJoCo clamps them to their range.
    ///
    /// # Errors
    /// [`Diverged`]; the state is then MuJoCo's initial one.
    #[inline]
    pub fn step(&mut self, action: ContinuousAction<'_>) -> Result<(), Diverged> {
        let controls = self.data.ctrl_mut();
        match action {
            ContinuousAction::F32(action) => {
                controls.iter_mut().zip(action).for_each(|(control, value)| *control = f64::from(*value));
            }
            ContinuousAction::F64(action) => controls.copy_from_slice(action),
        }
        for _ in 0..self.frame_skip {
            self.data.step();
        }
        self.check()
    }

    /// Computes the contact forces of the current state; [`Self::step`] leaves them out, since nothing else needs them.
    #[inline]
    pub fn update_contact_forces(&mut self) {
        self.data.rne_post_constraint();
    }

    /// Changes the model's numbers (not its sizes) in place and brings everything derived from them up to date. The
    /// state stays.
    pub fn change_model(&mut self, change: impl FnOnce(&mut MjModel)) {
        // Positions, velocities, controls, and the warm start of the solver.
        const INTEGRATION_STATE: u32 = mujoco_rs::mujoco_c::mjtState::mjSTATE_INTEGRATION as u32;
        let state = self.data.state(INTEGRATION_STATE);
        change(self.model_mut());
        self.data.set_const();
        let restored = self.data.set_state(&state, INTEGRATION_STATE);
        debug_assert!(restored.is_ok(), "the state has the length it was read with");
    }

    #[allow(unsafe_code, reason = "mujoco-rs marks mutable access to a model in use as unsafe")]
    fn model_mut(&mut self) -> &mut MjModel {
        // SAFETY: the one caller hands it to changes of numbers; the model's safe methods keep its sizes.
        unsafe { self.data.model_mut() }
    }

    #[inline]
    fn check(&self) -> Result<(), Diverged> {
        const KINDS: [(mjtWarning, &str); 3] = [
            (mjtWarning::mjWARN_BADQPOS, "the position"),
            (mjtWarning::mjWARN_BADQVEL, "the velocity"),
            (mjtWarning::mjWARN_BADQACC, "the acceleration"),
        ];
        let warnings = self.data.warning();
        for (kind, what) in KINDS {
            let warning = &warnings[kind as usize];
            if warning.number > 0 {
                return Err(Diverged { what, degree_of_freedom: warning.lastinfo.max(0) as usize });
            }
        }
        Ok(())
    }
}
