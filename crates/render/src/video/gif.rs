use super::{Encoder, Format, VideoError, failed};
use kanrl_core::environment::Frame;

/// The shortest time, in hundredths of a second, that browsers show a frame for.
const SHORTEST: u64 = 2;

/// GIF: every frame has its own palette, exact up to 256 colors.
pub(super) struct Gif {
    encoder: gif::Encoder<Vec<u8>>,
    frames_per_second: u64,
    /// Frames pushed, and hundredths of a second written.
    pushed: u64,
    shown: u64,
}

impl Gif {
    pub fn new(width: usize, height: usize, frames_per_second: u32) -> Result<Self, VideoError> {
        let mut encoder =
            gif::Encoder::new(Vec::new(), width as u16, height as u16, &[]).map_err(failed(Format::Gif))?;
        encoder.set_repeat(gif::Repeat::Infinite).map_err(failed(Format::Gif))?;
        Ok(Self { encoder, frames_per_second: frames_per_second.into(), pushed: 0, shown: 0 })
    }
}

impl Encoder for Gif {
    fn push(&mut self, frame: &Frame) -> Result<(), VideoError> {
        self.pushed += 1;
        // Time is kept over the whole video, not frame by frame: 30 frames a second last 3, 3, 4 hundredths.
        let end = (self.pushed * 100 + self.frames_per_second / 2) / self.frames_per_second;
        if end < self.shown + SHORTEST && self.pushed > 1 {
            return Ok(());
        }
        let delay = (end - self.shown).max(SHORTEST);
        self.shown += delay;
        let mut picture = gif::Frame::from_rgb_speed(frame.width as u16, frame.height as u16, &frame.rgb, 10);
        picture.delay = delay as u16;
        self.encoder.write_frame(&picture).map_err(failed(Format::Gif))
    }

    fn finish(self: Box<Self>) -> Result<Vec<u8>, VideoError> {
        self.encoder.into_inner().map_err(failed(Format::Gif))
    }
}
