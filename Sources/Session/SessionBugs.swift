#if DEBUG
    /// A mistake that a test switches on for what runs inside of it. A release build has neither this nor the place
    /// that looks at it.
    package enum SessionBugs {
        /// Credit that is due is counted as returned, and not returned.
        @TaskLocal package static var losesCredit = false
    }
#endif
