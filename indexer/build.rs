//! Has the crate compiled again where there is another migration: they are embedded in it.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
