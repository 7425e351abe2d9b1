//! Videos from frames: H.264 in MP4, animated PNG, GIF.
//!
//! ```
//! use kanrl_core::environment::Frame;
//! use kanrl_render::video::{Format, Writer};
//!
//! let mut writer = Writer::new(Format::Apng, 2, 2, 30)?;
//! for brightness in [0, 100, 200] {
//!     writer.push(&Frame { width: 2, height: 2, rgb: vec![brightness; 12] })?;
//! }
//! std::fs::write(std::env::temp_dir().join("three_frames.png"), writer.finish()?)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod apng;
#[cfg(feature = "video")]
mod gif;
#[cfg(feature = "video")]
mod mp4;

use kanrl_core::environment::Frame;
use std::path::Path;

/// A kind of video file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// H.264 in MP4, ready to be streamed: what browsers play. Needs the feature `video`.
    Mp4,
    /// Animated PNG: without loss, for pictures of few colors.
    Apng,
    /// GIF: 256 colors a frame, at most 50 frames a second (more are left out). Needs the feature `video`.
    Gif,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Mp4, Self::Apng, Self::Gif];

    /// The file name extension: `mp4`, `png`, `gif`.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Mp4 => "mp4",
            Self::Apng => "png",
            Self::Gif => "gif",
        }
    }

    /// The format that a file name's extension says (`apng` is understood too).
    pub fn from_path(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?.to_lowercase();
        let extension = if extension == "apng" { "png" } else { &extension };
        Self::ALL.into_iter().find(|format| format.extension() == extension)
    }
}

/// What can go wrong with a video.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VideoError {
    /// The encoder is not part of this build.
    #[error("this build cannot write {} files: enable the feature `video`", .0.extension())]
    NotBuilt(Format),
    /// A frame does not fit.
    #[error("the video is {expected_width}×{expected_height}, the frame {width}×{height} with {bytes} bytes")]
    WrongSize {
        /// Width of the video.
        expected_width: usize,
        /// Height of the video.
        expected_height: usize,
        /// Width of the frame.
        width: usize,
        /// Height of the frame.
        height: usize,
        /// Its bytes.
        bytes: usize,
    },
    /// No such video can be made.
    #[error("a video of {width}×{height} pixels at {frames_per_second} frames per second cannot be encoded")]
    BadShape {
        /// Width asked for.
        width: usize,
        /// Height asked for.
        height: usize,
        /// Frames per second asked for.
        frames_per_second: u32,
    },
    /// There is not a single frame.
    #[error("a video needs at least one frame")]
    Empty,
    /// The encoder failed.
    #[error("the {} encoder failed", format.extension())]
    Encoder {
        /// What was to be written.
        format: Format,
        /// What it said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Encodes frames one by one; the file is whole when [`Self::finish`] returns it.
///
/// The same frames give the same bytes.
pub struct Writer {
    encoder: Box<dyn Encoder>,
    width: usize,
    height: usize,
    frames: usize,
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { width, height, frames, .. } = self;
        write!(formatter, "Writer({width}×{height}, {frames} frames)")
    }
}

/// One format's encoder; frames have been checked.
trait Encoder: Send {
    fn push(&mut self, frame: &Frame) -> Result<(), VideoError>;
    fn finish(self: Box<Self>) -> Result<Vec<u8>, VideoError>;
}

impl Writer {
    /// A video of `width` × `height` pixels. Where a format needs even sides (MP4), the last column or row is doubled.
    ///
    /// # Errors
    /// [`VideoError::BadShape`] where a side or the frame rate is 0 or too large, [`VideoError::NotBuilt`].
    pub fn new(format: Format, width: usize, height: usize, frames_per_second: u32) -> Result<Self, VideoError> {
        let fits = |value: usize| (1..=usize::from(u16::MAX)).contains(&value);
        if !fits(width) || !fits(height) || !fits(frames_per_second as usize) {
            return Err(VideoError::BadShape { width, height, frames_per_second });
        }
        let encoder: Box<dyn Encoder> = match format {
            Format::Apng => Box::new(apng::Apng::new(width, height, frames_per_second)?),
            #[cfg(feature = "video")]
            Format::Mp4 => Box::new(mp4::Mp4::new(width, height, frames_per_second)?),
            #[cfg(feature = "video")]
            Format::Gif => Box::new(gif::Gif::new(width, height, frames_per_second)?),
            #[cfg(not(feature = "video"))]
            format => return Err(VideoError::NotBuilt(format)),
        };
        Ok(Self { encoder, width, height, frames: 0 })
    }

    /// Appends a frame.
    ///
    /// # Errors
    /// [`VideoError::WrongSize`], or the encoder's.
    pub fn push(&mut self, frame: &Frame) -> Result<(), VideoError> {
        let Frame { width, height, ref rgb } = *frame;
        if (width, height, rgb.len()) != (self.width, self.height, self.width * self.height * 3) {
            let (expected_width, expected_height, bytes) = (self.width, self.height, rgb.len());
            return Err(VideoError::WrongSize { expected_width, expected_height, width, height, bytes });
        }
        self.frames += 1;
        self.encoder.push(frame)
    }

    /// The whole file.
    ///
    /// # Errors
    /// [`VideoError::Empty`] if there was no frame, or the encoder's.
    pub fn finish(self) -> Result<Vec<u8>, VideoError> {
        if self.frames == 0 {
            return Err(VideoError::Empty);
        }
        self.encoder.finish()
    }
}

/// Wraps an encoder's own error.
fn failed<E: Into<Box<dyn std::error::Error + Send + Sync>>>(format: Format) -> impl Fn(E) -> VideoError {
    move |error| VideoError::Encoder { format, source: error.into() }
}
