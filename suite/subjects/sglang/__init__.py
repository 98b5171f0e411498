"""SGLang's runner of CUDA graphs for vision encoders, as it is installed, over towers of the zoo."""
