//! What the agent score promises, tried with histories that want to break it.

mod gaming;
mod history;
mod inputs;
mod outsiders;
mod pace;
mod replays;
