use super::{Encoder, Format, VideoError, failed};
use kanrl_core::environment::Frame;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

/// Animated PNG. The number of frames stands at the file's beginning: it is written when all are known.
pub(super) struct Apng {
    writer: png::Writer<Shared>,
    file: Shared,
    frames: u32,
}

/// The file under way: the encoder wants to own what it writes to.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Apng {
    pub fn new(width: usize, height: usize, frames_per_second: u32) -> Result<Self, VideoError> {
        let file = Shared::default();
        let failed = failed(Format::Apng);
        let mut encoder = png::Encoder::new(file.clone(), width as u32, height as u32);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_compression(png::Compression::Fast);
        encoder.set_animated(u32::MAX >> 1, 0).map_err(&failed)?;
        encoder.set_frame_delay(1, frames_per_second as u16).map_err(&failed)?;
        Ok(Self { writer: encoder.write_header().map_err(&failed)?, file, frames: 0 })
    }
}

impl Encoder for Apng {
    fn push(&mut self, frame: &Frame) -> Result<(), VideoError> {
        self.frames += 1;
        self.writer.write_image_data(&frame.rgb).map_err(failed(Format::Apng))
    }

    fn finish(self: Box<Self>) -> Result<Vec<u8>, VideoError> {
        let Self { writer, file, frames } = *self;
        writer.finish().map_err(failed(Format::Apng))?;
        let mut file = std::mem::take(&mut *file.0.lock().unwrap_or_else(PoisonError::into_inner));
        // acTL: four bytes of type, number of frames, number of plays, then the checksum over these twelve.
        let start = file.windows(4).position(|bytes| bytes == b"acTL");
        let start = start.ok_or_else(|| failed(Format::Apng)("no animation control chunk was written"))?;
        file[start + 4..start + 8].copy_from_slice(&frames.to_be_bytes());
        let checksum = crc32fast::hash(&file[start..start + 12]);
        file[start + 12..start + 16].copy_from_slice(&checksum.to_be_bytes());
        Ok(file)
    }
}
