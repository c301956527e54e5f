"""Questions: pure parts. Matching verified questions, rendering prompts, parsing replies."""
