# llama.cpp's common library is half of its build, and the binding loads only llama and ggml. The binding forces it on in
# the cache; a variable of this directory comes before the cache (policy CMP0126).
set(LLAMA_BUILD_COMMON OFF)
