"""The pages and the interface of a layer's history: its versions, what sets two apart, bringing one back."""
