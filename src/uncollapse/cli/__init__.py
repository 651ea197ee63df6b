"""What a person types. One file per verb or pair of verbs; nothing heavy is imported until a verb runs."""
