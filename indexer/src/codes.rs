//! Closed lists of things that tables, routes and documents spell alike.

/// Lists every one once: what it means to a person, its variant, and its stable spelling.
macro_rules! codes {
    ($(#[$meta:meta])* $name:ident { $(#[doc = $help:literal] $variant:ident = $code:literal,)+ }) => {
        $(#[$meta])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
        )]
        pub enum $name {
            $(#[doc = $help] #[serde(rename = $code)] $variant,)+
        }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// As tables, routes and documents spell it.
            pub fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }

            /// What it means, in one line for a person.
            pub fn help(self) -> &'static str {
                match self { $(Self::$variant => $help.trim_ascii(),)+ }
            }

            /// The one of that spelling; `None` where there is none.
            pub fn of(code: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|known| known.code() == code)
            }
        }
    };
}

pub(crate) use codes;
