//! The C ABI between a host and a plugin: version 1.
//!
//! Every name and comment here is also in the C header `include/kanrl_plugin.h`, which is generated from this file.
#![allow(unsafe_code, reason = "says which tables threads may share")]

use std::ffi::{c_char, c_void};

/// Version of this ABI. A host refuses a plugin of another version. Fields that are appended to a table do not change
/// it: `size` tells which fields a table has.
pub const KANRL_ABI_VERSION: u32 = 1;

/// Bit of `KanrlPlugin.flags`: no two calls into the plugin may run at once, not even for different instances.
pub const KANRL_FLAG_ONE_CALL_AT_A_TIME: u32 = 1;

/// Returned by a function that did what it was asked.
pub const KANRL_OK: i32 = 0;
/// Returned by a function that failed, with a message in its `error`.
pub const KANRL_ERROR: i32 = 1;
/// Returned by `create` for arguments that it cannot use, with a message.
pub const KANRL_BAD_ARGUMENTS: i32 = 2;
/// Returned by `set_parameter` for a name that `parameters` does not list.
pub const KANRL_UNKNOWN_PARAMETER: i32 = 3;
/// Returned by `render` where there is nothing to draw.
pub const KANRL_NO_RENDERING: i32 = 4;
/// Returned after a Rust panic was caught, with its message. The instance answers nothing but `destroy` from then on.
pub const KANRL_PANIC: i32 = 5;
/// Returned by `create` for an environment that this machine cannot run, such as one whose package is not installed, with a
/// message that says what it needs. A check skips it.
pub const KANRL_UNAVAILABLE: i32 = 6;

/// Numbers of this space are float32 values, carried in double without loss.
pub const KANRL_FLOAT32: u32 = 0;
/// Numbers of this space are double.
pub const KANRL_FLOAT64: u32 = 1;

/// UTF-8 text with its length in bytes; no terminating zero is needed. In C, `KANRL_TEXT("literal")` initializes one.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct KanrlText {
    /// The bytes; may be null where `length` is 0.
    pub data: *const c_char,
    /// Their number.
    pub length: usize,
}

/// Where a function that fails says why. The host owns it; `kanrl_fail` fills it from C.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct KanrlError {
    /// `sizeof(KanrlError)` as the host knows it.
    pub size: usize,
    /// Room for UTF-8 text.
    pub text: *mut c_char,
    /// Bytes that fit there.
    pub capacity: usize,
    /// Bytes that the plugin wrote, at most `capacity`; 0 when the call begins.
    pub length: usize,
}

/// One coordinate of an observation or of a vector action.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct KanrlCoordinate {
    /// `sizeof(KanrlCoordinate)`; the same for every element of an array.
    pub size: usize,
    /// ASCII identifier, unique in its space: the variable's name in formulas (`theta_dot`).
    pub name: KanrlText,
    /// What it measures, in a few words; may be empty.
    pub description: KanrlText,
    /// SI unit (`m`, `rad/s`), `1` where it has none.
    pub unit: KanrlText,
    /// Lower bound; `-INFINITY` where there is none.
    pub low: f64,
    /// Upper bound; `INFINITY` where there is none.
    pub high: f64,
}

/// What is fixed about an instance. Lives until the instance is destroyed.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct KanrlSpec {
    /// `sizeof(KanrlSpec)`.
    pub size: usize,
    /// The observation's coordinates.
    pub observation: *const KanrlCoordinate,
    /// Their number, at least 1.
    pub observation_count: usize,
    /// The names of the discrete actions (`push left`), or null for a vector action.
    pub discrete_actions: *const KanrlText,
    /// Their number; 0 for a vector action.
    pub discrete_action_count: usize,
    /// The vector action's coordinates, or null for discrete actions.
    pub action: *const KanrlCoordinate,
    /// Their number; 0 for discrete actions.
    pub action_count: usize,
    /// Names of the numbers that `info` writes, or null.
    pub info_names: *const KanrlText,
    /// Their number.
    pub info_count: usize,
    /// Mean return at which the task counts as solved; read where `has_reward_threshold` is not 0.
    pub reward_threshold: f64,
    /// Whether there is a `reward_threshold`: 0 or 1.
    pub has_reward_threshold: u32,
    /// Steps after which the host truncates an episode; 0 for no limit. The plugin need not count.
    pub max_episode_steps: u32,
    /// Frames per second of a video in real time, at least 1.
    pub frames_per_second: u32,
    /// `KANRL_FLOAT32` or `KANRL_FLOAT64`.
    pub observation_type: u32,
    /// `KANRL_FLOAT32` or `KANRL_FLOAT64`: the element type of a vector action.
    pub action_type: u32,
}

/// Actions, one row after the other. Exactly one of the three pointers is not null.
///
/// The host has checked them: an index is below the number of discrete actions, numbers are finite (they may lie beyond
/// the bounds).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct KanrlActions {
    /// `sizeof(KanrlActions)` as the host knows it.
    pub size: usize,
    /// Number of actions.
    pub rows: usize,
    /// `[rows]` indices of discrete actions.
    pub discrete: *const usize,
    /// `[rows, action_count]` numbers, row-major: what policies send.
    pub float32: *const f32,
    /// `[rows, action_count]` numbers, row-major: what a recording may hold.
    pub float64: *const f64,
}

/// The outcome of a step, apart from the observation. This one never grows.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct KanrlOutcome {
    /// The reward.
    pub reward: f64,
    /// Whether the episode ended by the task's own rules: 0 or 1.
    pub terminated: u8,
    /// Whether it was cut off from outside, by more than `max_episode_steps`: 0 or 1.
    pub truncated: u8,
}

/// A named constant that the host may change, such as a mass.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct KanrlParameter {
    /// `sizeof(KanrlParameter)`; the same for every element of an array.
    pub size: usize,
    /// ASCII identifier.
    pub name: KanrlText,
    /// SI unit.
    pub unit: KanrlText,
    /// The current value.
    pub value: f64,
}

/// An RGB picture, 8 bits a channel, row-major from the top left.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct KanrlFrame {
    /// `sizeof(KanrlFrame)`.
    pub size: usize,
    /// Pixels in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// `height * width * 3` bytes.
    pub rgb: *const u8,
}

/// One kind of environment. Lives as long as the library; functions after `step` may be null.
///
/// An instance may move between threads, one call at a time; two instances may be called at once, unless the plugin
/// sets `KANRL_FLAG_ONE_CALL_AT_A_TIME`. What a function hands out by pointer belongs to the plugin and must stay valid
/// until the next call on the same instance.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct KanrlEnvironment {
    /// `sizeof(KanrlEnvironment)`; the same for every element of an array.
    pub size: usize,
    /// The id that configs name (`DoubleIntegrator-v0`).
    pub id: KanrlText,
    /// One line about it.
    pub summary: KanrlText,
    /// The default arguments: a JSON object.
    pub default_arguments: KanrlText,
    /// A JSON schema of the arguments; may be empty.
    pub arguments_schema: KanrlText,
    /// Handed to `create`; the host does not look at it.
    pub data: *const c_void,
    /// Makes an instance from arguments: a JSON object. The host refuses keys that are neither in `default_arguments` nor among
    /// the `properties` of `arguments_schema`, unless that schema has `additionalProperties`. May be called on
    /// several threads at once, unless the flag says otherwise.
    pub create: Option<
        unsafe extern "C" fn(
            data: *const c_void,
            arguments: KanrlText,
            instance: *mut *mut c_void,
            error: *mut KanrlError,
        ) -> i32,
    >,
    /// Frees an instance.
    pub destroy: Option<unsafe extern "C" fn(instance: *mut c_void)>,
    /// Points to what is fixed about an instance.
    pub spec:
        Option<unsafe extern "C" fn(instance: *mut c_void, spec: *mut *const KanrlSpec, error: *mut KanrlError) -> i32>,
    /// Starts an episode and writes the first observation `[observation_count]`. `seed` begins a new random sequence;
    /// where it is null, the old one goes on.
    pub reset: Option<
        unsafe extern "C" fn(
            instance: *mut c_void,
            seed: *const u64,
            observation: *mut f64,
            error: *mut KanrlError,
        ) -> i32,
    >,
    /// Takes the one action of `actions` and writes the observation `[observation_count]` and the outcome.
    pub step: Option<
        unsafe extern "C" fn(
            instance: *mut c_void,
            actions: *const KanrlActions,
            observation: *mut f64,
            outcome: *mut KanrlOutcome,
            error: *mut KanrlError,
        ) -> i32,
    >,
    /// Optional. One step in each of `actions->rows` instances: instance `i` takes action `i` and writes row `i` of
    /// `observations` and of `outcomes`. On failure `*done` is the number of instances that were stepped before it.
    /// Without it the host calls `step` for each.
    pub step_lanes: Option<
        unsafe extern "C" fn(
            instances: *const *mut c_void,
            actions: *const KanrlActions,
            observations: *mut f64,
            outcomes: *mut KanrlOutcome,
            done: *mut usize,
            error: *mut KanrlError,
        ) -> i32,
    >,
    /// Optional. Takes the actions one after the other in one instance until the episode ends, writing a row of
    /// `observations` and of `outcomes` for each; `*done` is the number of steps taken. Without it the host calls `step`.
    pub step_chunk: Option<
        unsafe extern "C" fn(
            instance: *mut c_void,
            actions: *const KanrlActions,
            observations: *mut f64,
            outcomes: *mut KanrlOutcome,
            done: *mut usize,
            error: *mut KanrlError,
        ) -> i32,
    >,
    /// Optional. Writes the numbers of the last step that `info_names` lists, `[info_count]`.
    pub info: Option<unsafe extern "C" fn(instance: *mut c_void, info: *mut f64, error: *mut KanrlError) -> i32>,
    /// Optional. Points to the full physical state.
    pub state: Option<
        unsafe extern "C" fn(
            instance: *mut c_void,
            values: *mut *const f64,
            count: *mut usize,
            error: *mut KanrlError,
        ) -> i32,
    >,
    /// Optional. Points to the constants that `set_parameter` changes.
    pub parameters: Option<
        unsafe extern "C" fn(
            instance: *mut c_void,
            parameters: *mut *const KanrlParameter,
            count: *mut usize,
            error: *mut KanrlError,
        ) -> i32,
    >,
    /// Optional. Changes a named constant; it holds until it is set again, across resets.
    pub set_parameter:
        Option<unsafe extern "C" fn(instance: *mut c_void, name: KanrlText, value: f64, error: *mut KanrlError) -> i32>,
    /// Optional. Points to a picture of the current state.
    pub render: Option<
        unsafe extern "C" fn(instance: *mut c_void, frame: *mut *const KanrlFrame, error: *mut KanrlError) -> i32,
    >,
    /// Optional. What the environment asks of a run whose config says nothing: a JSON object with any of `polish_steps`,
    /// `refine_tolerance`, `masses` and `time_steps` (names of parameters).
    pub hints: KanrlText,
}

/// What a plugin exports under the symbol `kanrl_plugin`: data, so that a host can look at `size` and `abi_version`
/// before any code of the plugin runs. These two stay in place in every version of the ABI.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct KanrlPlugin {
    /// `sizeof(KanrlPlugin)`.
    pub size: usize,
    /// `KANRL_ABI_VERSION`.
    pub abi_version: u32,
    /// `KANRL_FLAG_ONE_CALL_AT_A_TIME` or 0.
    pub flags: u32,
    /// The plugin's name, for error messages.
    pub name: KanrlText,
    /// The plugin's own version.
    pub version: KanrlText,
    /// Points to the plugin's environments. Called once, before anything else.
    pub environments: Option<
        unsafe extern "C" fn(
            environments: *mut *const KanrlEnvironment,
            count: *mut usize,
            error: *mut KanrlError,
        ) -> i32,
    >,
}

impl KanrlText {
    /// No text.
    pub const EMPTY: Self = Self { data: std::ptr::null(), length: 0 };

    /// Points to `text`, which must outlive it.
    pub const fn new(text: &str) -> Self {
        Self { data: text.as_ptr().cast(), length: text.len() }
    }
}

// SAFETY: a host only reads the table, and what it points to lives as long as the library; `data` is only handed back to
// `create`, which the ABI lets several threads call at once.
unsafe impl Send for KanrlEnvironment {}
// SAFETY: as above.
unsafe impl Sync for KanrlEnvironment {}
// SAFETY: a host only reads the table, and what it points to lives as long as the library.
unsafe impl Send for KanrlPlugin {}
// SAFETY: as above.
unsafe impl Sync for KanrlPlugin {}
